-- name: InsertTask :one
-- Stores a submitted task with its head, at epoch 1, and its first event. The status is created when the live workers have more
-- slots than there are open tasks, otherwise queued. The event has a body for either.
WITH task AS (
    INSERT INTO tasks (id, account_id, parent_task_id, status, priority, question, seed_url, max_depth, max_pages, time_budget,
                       search_engine, max_results, safe_mode, same_domain_only, allow_external_links, allow_domains, deny_domains,
                       fresh, request_metadata, max_tokens, context, created_by_user, created_by_key, confirm_plan, effort, format, length, output_schema, request_id, trace_parent, created_at)
    SELECT @id, @account_id, sqlc.narg(parent_task_id),
           CASE WHEN (SELECT coalesce(sum(w.slots), 0) FROM workers w
                      WHERE w.heartbeat_at > now() - make_interval(secs => @lease_seconds::float8))
                   > (SELECT count(*) FROM tasks o WHERE o.status IN ('created','queued','running'))
                THEN 'created' ELSE 'queued' END,
           @priority, @question, sqlc.narg(seed_url), @max_depth, @max_pages, @time_budget,
           @search_engine, @max_results, @safe_mode, @same_domain_only, @allow_external_links, @allow_domains, @deny_domains,
           @fresh, @request_metadata, sqlc.narg(max_tokens)::bigint, sqlc.narg(context)::json, sqlc.narg(created_by_user)::uuid, sqlc.narg(created_by_key)::text,
           @confirm_plan, @effort, @format, sqlc.narg(length)::integer, sqlc.narg(output_schema)::json,
           sqlc.narg(request_id)::text, sqlc.narg(trace_parent)::text, date_trunc('milliseconds', clock_timestamp())
    RETURNING id, status, created_at
), head AS (
    INSERT INTO task_heads (task_id, last_seq, job_id) SELECT task.id, 1, @job_id::bigint FROM task
), first AS (
    INSERT INTO task_events (task_id, seq, type, terminal, created_at, body)
    SELECT task.id, 1, @event_type::text, false, task.created_at,
           (CASE task.status WHEN 'created' THEN @body_created::text ELSE @body_queued::text END)::json
    FROM task
)
SELECT task.status, task.created_at FROM task;

-- name: SetJob :exec
-- Stores which River job belongs to the current epoch.
UPDATE task_heads SET job_id = @job_id WHERE task_id = @task_id;

-- name: GetTask :one
-- One task of an account, with its head and its usage.
SELECT sqlc.embed(t), h.last_seq, h.run_epoch, n.parent_id AS child_of, coalesce(task_seconds(t.started_at, t.completed_at), 0)::float8 AS duration_seconds,
       u.pages, u.tool_calls, u.model_calls, u.input_tokens, u.output_tokens, u.cached_tokens,
       coalesce(u.cost_usd, 0)::float8 AS cost_usd, (u.cost_usd IS NOT NULL)::boolean AS priced, u.running_seconds::float8 AS running_seconds
FROM tasks t JOIN task_heads h ON h.task_id = t.id JOIN task_usage u ON u.task_id = t.id LEFT JOIN tree_nodes n ON n.task_id = t.id
WHERE t.id = @id AND t.account_id = @account_id;

-- name: GetTaskForRun :one
-- One task of any account, with its head and its usage, for the run that holds it.
SELECT sqlc.embed(t), h.last_seq, h.run_epoch, n.parent_id AS child_of, coalesce(task_seconds(t.started_at, t.completed_at), 0)::float8 AS duration_seconds,
       u.pages, u.tool_calls, u.model_calls, u.input_tokens, u.output_tokens, u.cached_tokens,
       coalesce(u.cost_usd, 0)::float8 AS cost_usd, (u.cost_usd IS NOT NULL)::boolean AS priced, u.running_seconds::float8 AS running_seconds
FROM tasks t JOIN task_heads h ON h.task_id = t.id JOIN task_usage u ON u.task_id = t.id LEFT JOIN tree_nodes n ON n.task_id = t.id
WHERE t.id = @id;

-- name: ListTasks :many
-- One page of an account's tasks, newest first. Every filter is optional. before_created and before_id are the keyset cursor.
-- Children of deep tasks are left out, except those of the deep task child_of. The two conditions for that are written so
-- that PostgreSQL expects them to hold for many tasks: with IS NOT DISTINCT FROM it expected few, and sorted all tasks.
SELECT sqlc.embed(t), h.last_seq, h.run_epoch, n.parent_id AS child_of, coalesce(task_seconds(t.started_at, t.completed_at), 0)::float8 AS duration_seconds
FROM tasks t JOIN task_heads h ON h.task_id = t.id LEFT JOIN tree_nodes n ON n.task_id = t.id
WHERE t.account_id = @account_id
  AND (sqlc.narg(child_of)::uuid IS NOT NULL OR NOT EXISTS (SELECT 1 FROM tree_nodes c WHERE c.task_id = t.id AND c.parent_id IS NOT NULL))
  AND (sqlc.narg(child_of)::uuid IS NULL OR EXISTS (SELECT 1 FROM tree_nodes c WHERE c.task_id = t.id AND c.parent_id = sqlc.narg(child_of)::uuid))
  AND (sqlc.narg(status)::text IS NULL OR t.status = sqlc.narg(status))
  AND (sqlc.narg(created_from)::timestamptz IS NULL OR t.created_at >= sqlc.narg(created_from))
  AND (sqlc.narg(created_to)::timestamptz IS NULL OR t.created_at < sqlc.narg(created_to))
  AND (sqlc.narg(query)::text IS NULL OR task_document(t.question, t.answer) @@ sqlc.narg(query)::text::tsquery)
  AND (sqlc.narg(before_created)::timestamptz IS NULL
       OR (t.created_at, t.id) < (sqlc.narg(before_created)::timestamptz, sqlc.narg(before_id)::uuid))
ORDER BY t.created_at DESC, t.id DESC
LIMIT @max_rows OFFSET @skip_rows;

-- name: CountTasks :one
-- How many tasks match the filters other than words, without the cursor. All matches are counted. Children are counted by
-- themselves and taken off, because they are few, and the first count can then read an index alone.
WITH t AS NOT MATERIALIZED (
    SELECT f.id FROM tasks f
    WHERE f.account_id = @account_id
      AND (sqlc.narg(status)::text IS NULL OR f.status = sqlc.narg(status))
      AND (sqlc.narg(created_from)::timestamptz IS NULL OR f.created_at >= sqlc.narg(created_from))
      AND (sqlc.narg(created_to)::timestamptz IS NULL OR f.created_at < sqlc.narg(created_to))
)
SELECT (CASE WHEN sqlc.narg(child_of)::uuid IS NULL
    THEN (SELECT count(*) FROM t) - (SELECT count(*) FROM tree_nodes c JOIN t ON t.id = c.task_id WHERE c.parent_id IS NOT NULL)
    ELSE (SELECT count(*) FROM tree_nodes c JOIN t ON t.id = c.task_id WHERE c.parent_id = sqlc.narg(child_of)::uuid)
END)::bigint AS tasks;

-- name: CountMatchingTasks :one
-- How many tasks match the filters and the words. Counting stops at the number most, because PostgreSQL reads the row of
-- each match. CountTasks is a separate statement, because with a limit PostgreSQL would use neither an index-only scan nor
-- parallel workers.
SELECT count(*) FROM (
    SELECT 1
    FROM tasks t LEFT JOIN tree_nodes n ON n.task_id = t.id
    WHERE t.account_id = @account_id
  AND (sqlc.narg(child_of)::uuid IS NOT NULL OR NOT EXISTS (SELECT 1 FROM tree_nodes c WHERE c.task_id = t.id AND c.parent_id IS NOT NULL))
  AND (sqlc.narg(child_of)::uuid IS NULL OR EXISTS (SELECT 1 FROM tree_nodes c WHERE c.task_id = t.id AND c.parent_id = sqlc.narg(child_of)::uuid))
      AND (sqlc.narg(status)::text IS NULL OR t.status = sqlc.narg(status))
      AND (sqlc.narg(created_from)::timestamptz IS NULL OR t.created_at >= sqlc.narg(created_from))
      AND (sqlc.narg(created_to)::timestamptz IS NULL OR t.created_at < sqlc.narg(created_to))
      AND task_document(t.question, t.answer) @@ CAST(@query AS text)::tsquery
    LIMIT @most::bigint
) AS matching;

-- name: PrefixQuery :one
-- The text of a tsquery that requires every word of q, each as a prefix. Empty when q has no word.
SELECT coalesce(string_agg(quote_literal(w.lexeme) || ':*', ' & '), '')::text
FROM unnest(tsvector_to_array(to_tsvector('simple', in_pairs(@q::text)))) AS w(lexeme);

-- name: TaskUsage :many
-- What tasks have used so far. The ids are wrapped in a subquery, as in the other queries that
-- every read of a task makes. PostgreSQL then estimates the same cost for any number of ids, and uses one cached plan.
-- Otherwise it would plan each call anew, which took two thirds of the statement's time.
SELECT u.task_id, u.pages, u.tool_calls, u.model_calls, u.input_tokens, u.output_tokens, u.cached_tokens,
       coalesce(u.cost_usd, 0)::float8 AS cost_usd, (u.cost_usd IS NOT NULL)::boolean AS priced, u.running_seconds::float8 AS running_seconds
FROM task_usage u
WHERE u.task_id = ANY((SELECT @task_ids::uuid[])::uuid[]);

-- name: DeleteTask :execrows
-- Removes a task with its children and, through their heads, everything that refers to them. Later statements remove their
-- snapshots.
DELETE FROM tasks t WHERE (t.id = @id OR t.id IN (SELECT n.task_id FROM tree_nodes n WHERE n.parent_id = @id))
  AND t.account_id = @account_id AND t.status IN ('completed','failed','cancelled');

-- name: TaskCounts :one
-- For /health: running tasks and all tasks.
SELECT count(*) FILTER (WHERE status = 'running') AS active,
       (SELECT count(*) FROM tasks) AS total
FROM tasks WHERE status IN ('created','queued','running');
