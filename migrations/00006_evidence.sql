-- A citation can be looked at: the picture of its page. The foreign key holds what the audit demands of files as well,
-- that nothing points at a picture without a row; deleting a task removes both in one statement.

-- +goose Up
ALTER TABLE citations ADD COLUMN screenshot text;
ALTER TABLE citations ADD FOREIGN KEY (task_id, screenshot) REFERENCES artifacts (task_id, name);
COMMENT ON COLUMN citations.screenshot IS 'The picture that shows the page, if one was taken. Found by the primary key''s task_id, so it needs no index of its own.';
