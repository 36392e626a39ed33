-- Input tokens that the provider took from its cache: they are a part of the input tokens, and may have a lower price.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE steps ADD COLUMN cached_tokens bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT steps_cached_tokens_check CHECK (cached_tokens BETWEEN 0 AND input_tokens);
COMMENT ON COLUMN steps.cached_tokens IS 'The part of input_tokens that the model''s provider took from its cache.';

CREATE OR REPLACE VIEW task_usage AS
SELECT h.task_id,
       (SELECT count(*) FROM visits v WHERE v.task_id = h.task_id AND NOT v.inherited) AS pages,
       s.tool_calls, s.model_calls, s.input_tokens, s.output_tokens, s.cost_usd,
       (SELECT coalesce(sum(extract(epoch FROM coalesce(r.ended_at, r.seen_at) - r.claimed_at)), 0)
        FROM runs r WHERE r.task_id = h.task_id) AS running_seconds,
       s.cached_tokens
FROM task_heads h,
     LATERAL (SELECT count(*) FILTER (WHERE st.kind = 'tool') AS tool_calls,
                     count(*) FILTER (WHERE st.kind = 'model') AS model_calls,
                     coalesce(sum(st.input_tokens), 0)::bigint AS input_tokens,
                     coalesce(sum(st.output_tokens), 0)::bigint AS output_tokens,
                     sum(st.cost_usd) AS cost_usd,
                     coalesce(sum(st.cached_tokens), 0)::bigint AS cached_tokens
              FROM steps st WHERE st.task_id = h.task_id) s;
COMMENT ON COLUMN task_usage.cached_tokens IS 'The part of input_tokens that the model''s provider took from its cache.';

CREATE OR REPLACE VIEW report_tasks WITH (security_barrier) AS
SELECT o.task_id, o.account_id, o.status, o.answered, o.error_code, o.created_at, o.started_at, o.completed_at, o.duration_seconds, o.confidence,
       o.provider, o.model, o.citations, u.pages, u.tool_calls, u.model_calls, u.input_tokens, u.output_tokens, u.cost_usd, u.running_seconds,
       u.cached_tokens
FROM task_outcomes o JOIN task_usage u ON u.task_id = o.task_id
WHERE o.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
-- +goose StatementEnd
