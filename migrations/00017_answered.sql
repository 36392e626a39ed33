-- "Not found" is an answer: a task can complete and say that the pages it read do not answer its question.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE tasks ADD COLUMN answered boolean CHECK (answered IS NULL OR status = 'completed');
COMMENT ON COLUMN tasks.answered IS 'Whether the answer answers the question. False: it was looked for and not found. NULL: the task has not completed, or an older version completed it.';

CREATE OR REPLACE VIEW task_outcomes AS
SELECT t.id AS task_id, t.account_id, t.status, t.error_code, t.created_at, t.started_at, t.completed_at,
       task_seconds(t.started_at, t.completed_at) AS duration_seconds, t.confidence, t.provider, t.model,
       (SELECT count(*) FROM evidence e WHERE e.task_id = t.id AND e.marker IS NOT NULL) AS citations, t.answered
FROM tasks t;
COMMENT ON COLUMN task_outcomes.answered IS 'As in tasks.';
-- +goose StatementEnd
