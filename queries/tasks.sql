-- name: InsertTask :one
-- A submission. It is created when a live worker has a slot that no other open task is going to take, queued otherwise.
INSERT INTO tasks (id, account_id, parent_task_id, status, priority, question, seed_url, max_depth, max_pages, time_budget,
                   search_engine, max_results, safe_mode, same_domain_only, allow_external_links, allow_domains, deny_domains,
                   fresh, request_metadata, max_tokens, context, created_at)
SELECT @id, @account_id, sqlc.narg(parent_task_id),
       CASE WHEN (SELECT coalesce(sum(w.slots), 0) FROM workers w
                  WHERE w.heartbeat_at > now() - make_interval(secs => @lease_seconds::float8))
               > (SELECT count(*) FROM tasks o WHERE o.status IN ('created','queued','running'))
            THEN 'created' ELSE 'queued' END,
       @priority, @question, sqlc.narg(seed_url), @max_depth, @max_pages, @time_budget,
       @search_engine, @max_results, @safe_mode, @same_domain_only, @allow_external_links, @allow_domains, @deny_domains,
       @fresh, @request_metadata, sqlc.narg(max_tokens)::bigint, sqlc.narg(context)::json, date_trunc('milliseconds', clock_timestamp())
RETURNING status, created_at;

-- name: InsertHead :exec
-- The head of a new task, at epoch 1 with its first event already counted.
INSERT INTO task_heads (task_id, last_seq, job_id) VALUES (@task_id, @last_seq, @job_id);

-- name: SetJob :exec
-- Names River's job of the present epoch.
UPDATE task_heads SET job_id = @job_id WHERE task_id = @task_id;

-- name: GetTask :one
-- One task of an account, with its head.
SELECT sqlc.embed(t), h.last_seq, h.run_epoch
FROM tasks t JOIN task_heads h ON h.task_id = t.id
WHERE t.id = @id AND t.account_id = @account_id;

-- name: GetTaskForRun :one
-- One task by id alone, for the run that holds it.
SELECT sqlc.embed(t), h.last_seq, h.run_epoch
FROM tasks t JOIN task_heads h ON h.task_id = t.id
WHERE t.id = @id;

-- name: ListTasks :many
-- A page of an account's tasks, newest first. Every filter is optional; before_* is the keyset cursor.
SELECT sqlc.embed(t), h.last_seq, h.run_epoch
FROM tasks t JOIN task_heads h ON h.task_id = t.id
WHERE t.account_id = @account_id
  AND (sqlc.narg(status)::text IS NULL OR t.status = sqlc.narg(status))
  AND (sqlc.narg(created_from)::timestamptz IS NULL OR t.created_at >= sqlc.narg(created_from))
  AND (sqlc.narg(created_to)::timestamptz IS NULL OR t.created_at < sqlc.narg(created_to))
  AND (sqlc.narg(query)::text IS NULL OR task_document(t.question, t.answer) @@ sqlc.narg(query)::text::tsquery)
  AND (sqlc.narg(before_created)::timestamptz IS NULL
       OR (t.created_at, t.id) < (sqlc.narg(before_created)::timestamptz, sqlc.narg(before_id)::uuid))
ORDER BY t.created_at DESC, t.id DESC
LIMIT @max_rows OFFSET @skip_rows;

-- name: CountTasks :one
-- How many tasks the same filters match, cursor aside; counting stops at most, when it is given.
SELECT count(*) FROM (
    SELECT 1
    FROM tasks t
    WHERE t.account_id = @account_id
      AND (sqlc.narg(status)::text IS NULL OR t.status = sqlc.narg(status))
      AND (sqlc.narg(created_from)::timestamptz IS NULL OR t.created_at >= sqlc.narg(created_from))
      AND (sqlc.narg(created_to)::timestamptz IS NULL OR t.created_at < sqlc.narg(created_to))
      AND (sqlc.narg(query)::text IS NULL OR task_document(t.question, t.answer) @@ sqlc.narg(query)::text::tsquery)
    LIMIT sqlc.narg(most)::bigint
) AS matching;

-- name: PrefixQuery :one
-- The text of a tsquery that wants every word of q, the last one as a prefix; empty when q has no word.
SELECT coalesce(string_agg(quote_literal(w.lexeme) || ':*', ' & '), '')::text
FROM unnest(tsvector_to_array(to_tsvector('simple', @q::text))) AS w(lexeme);

-- name: TaskUsage :many
-- What tasks have cost so far, counted from their journals and runs. The ids come by a subquery, here and where else they
-- come with every read of a task: PostgreSQL does not look into it, so a plan for any number of ids seems as good as one for
-- these, and it does not plan each time anew, which would take two thirds of the statement's time.
SELECT h.task_id,
       (SELECT count(*) FROM visits v WHERE v.task_id = h.task_id AND NOT v.inherited) AS pages,
       s.tool_calls, s.model_calls, s.input_tokens, s.output_tokens, s.cost_usd, s.priced,
       (SELECT coalesce(sum(extract(epoch FROM coalesce(r.ended_at, r.seen_at) - r.claimed_at) * 1000), 0)::bigint
        FROM runs r WHERE r.task_id = h.task_id) AS running_millis
FROM task_heads h,
     LATERAL (SELECT count(*) FILTER (WHERE st.kind = 'tool') AS tool_calls,
                     count(*) FILTER (WHERE st.kind = 'model') AS model_calls,
                     coalesce(sum(st.input_tokens), 0)::bigint AS input_tokens,
                     coalesce(sum(st.output_tokens), 0)::bigint AS output_tokens,
                     coalesce(sum(st.cost_usd), 0)::float8 AS cost_usd,
                     count(st.cost_usd) AS priced
              FROM steps st WHERE st.task_id = h.task_id) s
WHERE h.task_id = ANY((SELECT @task_ids::uuid[])::uuid[]);

-- name: DeleteTask :execrows
-- Removes a task and, through its head, all that hangs on it. Snapshots stay for the collector.
DELETE FROM tasks WHERE id = @id AND account_id = @account_id AND status IN ('completed','failed','cancelled');

-- name: TaskCounts :one
-- For /health: running tasks and all tasks.
SELECT count(*) FILTER (WHERE status = 'running') AS active,
       (SELECT count(*) FROM tasks) AS total
FROM tasks WHERE status IN ('created','queued','running');

-- name: WaitingTasks :one
-- How many tasks wait for a worker.
SELECT count(*) FROM tasks WHERE status IN ('created','queued');
