-- Finds the tasks that RETENTION_DAYS removes without reading the others.

-- +goose Up
CREATE INDEX tasks_by_completion ON tasks (completed_at) WHERE completed_at IS NOT NULL;
