-- One function for how long a task took, so that the statement that ends a task can return it without reading the view.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION task_seconds(started timestamptz, completed timestamptz) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN extract(epoch FROM completed - started);
COMMENT ON FUNCTION task_seconds IS 'Seconds from the first start of a task to its end; NULL while either is missing.';

CREATE OR REPLACE VIEW task_outcomes AS
SELECT t.id AS task_id, t.account_id, t.status, t.error_code, t.created_at, t.started_at, t.completed_at,
       task_seconds(t.started_at, t.completed_at) AS duration_seconds, t.confidence, t.provider, t.model,
       (SELECT count(*) FROM evidence e WHERE e.task_id = t.id AND e.marker IS NOT NULL) AS citations
FROM tasks t;
COMMENT ON VIEW task_outcomes IS 'How each task ended, if it has.';
COMMENT ON COLUMN task_outcomes.duration_seconds IS 'From the first start to the end; NULL while either is missing.';
-- +goose StatementEnd
