-- Which request made a task, so that the log lines and the spans of all its runs can be found with those of the request. And keys for metrics.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE tasks
    ADD COLUMN request_id text CHECK (char_length(request_id) BETWEEN 1 AND 64),
    ADD COLUMN trace_parent text CHECK (char_length(trace_parent) = 55);
COMMENT ON COLUMN tasks.request_id IS 'The id of the request that made the task, as in the log and in its header X-Request-ID. NULL: no request did, or an older version.';
COMMENT ON COLUMN tasks.trace_parent IS 'The span that made the task, as a traceparent of W3C Trace Context. All runs of the task belong to its trace. NULL: it was not traced.';

-- A key may be for the metrics alone.
ALTER TABLE api_keys DROP CONSTRAINT api_keys_scopes_check,
    ADD CONSTRAINT api_keys_scopes_check CHECK (cardinality(scopes) > 0
        AND scopes <@ ARRAY['tasks:read','tasks:write','library:read','library:write','metrics:read','admin']);
-- +goose StatementEnd
