-- name: AdmitTask :one
-- Admits a submission and counts it, or says which limit refuses it. most is 0 when no limit on tasks applies. It counts the waiting tasks too, if that is asked for.
SELECT (CASE WHEN @count_waiting::boolean THEN (SELECT count(*) FROM tasks t WHERE t.status IN ('created','queued')) ELSE 0 END)::bigint AS waiting,
       coalesce(a.refused, '')::text AS refused, coalesce(a.by_key, false)::boolean AS by_key, coalesce(a.most, 0)::bigint AS most,
       coalesce(a.remaining, 0)::bigint AS remaining, coalesce(a.resets_at, now())::timestamptz AS resets_at
FROM admit_task(@account::text, @key::text, @defaults::jsonb) a;

-- name: ChooseTask :one
-- Decides which waiting task a job runs, and what the run may use; -1: any amount. It also says which tasks were held on the
-- way for the first time since their last run. No row: the job has no task any more.
SELECT c.chosen_task::uuid AS task_id, c.epoch::integer AS run_epoch, c.verdict::text AS verdict,
       coalesce(c.pages, -1)::bigint AS pages, coalesce(c.tokens, -1)::bigint AS tokens, coalesce(c.microdollars, -1)::bigint AS microdollars,
       EXISTS (SELECT 1 FROM tree_nodes n WHERE n.task_id = c.chosen_task AND n.parent_id IS NOT NULL)::boolean AS child,
       c.held_tasks::uuid[] AS held_tasks, c.held_epochs::integer[] AS held_epochs, c.held_reasons::text[] AS held_reasons
FROM choose_task(@job::bigint, @defaults::jsonb, @provider::text, @server_tokens::bigint, @token_margin::bigint, @price::bigint) c;

-- name: TaskOfJob :one
-- The task that runs in a job, whether a worker has claimed it or not.
SELECT h.task_id, h.run_epoch, h.owner FROM task_heads h WHERE h.job_id = @job_id::bigint;

-- name: GrantOf :one
-- What a run has reserved.
SELECT reserved_pages, reserved_tokens, reserved_microdollars FROM runs WHERE task_id = @task_id AND epoch = @epoch;

-- name: HeldTasks :many
-- The task that gets a job next, for each account that has held tasks and room for another run. An account whose last such
-- task has not begun yet is left out.
SELECT DISTINCT ON (t.account_id) t.id
FROM tasks t
WHERE t.held AND t.held_since IS NOT NULL AND t.status IN ('created','queued')
  AND NOT EXISTS (SELECT 1 FROM tasks o WHERE o.account_id = t.account_id AND o.held_since IS NOT NULL AND NOT o.held)
  AND coalesce((SELECT count(*) FROM tasks r WHERE r.account_id = t.account_id AND r.status = 'running')
             < (SELECT l.concurrent_runs FROM limits_of(t.account_id, '', @defaults::jsonb) l), true)
ORDER BY t.account_id, t.held_since;

-- name: AnyHeld :one
-- Whether any task is held, or waits for its turn among the children of a deep task.
SELECT (EXISTS (SELECT 1 FROM tasks WHERE held_since IS NOT NULL) OR EXISTS (SELECT 1 FROM tasks WHERE waiting_for = 'turn'))::boolean;

-- name: ReleaseTask :one
-- A held task gets a job again. No row: it is not held any more. The transaction has locked its head.
UPDATE tasks SET held = false WHERE id = @id AND held AND status IN ('created','queued')
RETURNING priority, (started_at IS NOT NULL)::boolean AS begun;

-- name: AccountsWithEntries :many
-- The accounts whose runs ended since their counters were brought up to date.
SELECT DISTINCT account_id FROM usage_entries;

-- name: AddUpUsage :exec
-- Brings the counters of an account up to date.
SELECT add_up_usage(@account::text);

-- name: PurgeCounters :execrows
-- Removes the counters of hours and days that are over.
DELETE FROM usage_counters WHERE period IN ('hour','day') AND starts_at < now() - interval '2 days';

-- name: Limits :one
-- The limits of an account (key empty), or of one of its keys; those of the configuration where the account has none of its own.
SELECT l.tasks_per_hour, l.tasks_per_day, l.concurrent_runs, l.open_streams, l.pages_per_month, l.tokens_per_month, l.microdollars_per_month
FROM usage_limits l WHERE l.account_id = @account_id AND l.key_id = @key_id;

-- name: AccountHasKey :one
-- Whether an API key belongs to an account.
SELECT EXISTS (SELECT 1 FROM api_keys WHERE id = @id AND account_id = @account_id)::boolean;

-- name: SetLimits :execrows
-- Sets the limits of an account (key empty) or of one of its keys. No row: there is no such account or key.
INSERT INTO usage_limits (account_id, key_id, tasks_per_hour, tasks_per_day, concurrent_runs, open_streams, pages_per_month, tokens_per_month, microdollars_per_month)
SELECT a.id, @key_id::text, sqlc.narg(tasks_per_hour)::bigint, sqlc.narg(tasks_per_day)::bigint, sqlc.narg(concurrent_runs)::bigint, sqlc.narg(open_streams)::bigint,
       sqlc.narg(pages_per_month)::bigint, sqlc.narg(tokens_per_month)::bigint, sqlc.narg(microdollars_per_month)::bigint
FROM accounts a
WHERE a.id = @account_id AND (@key_id::text = '' OR EXISTS (SELECT 1 FROM api_keys k WHERE k.id = @key_id::text AND k.account_id = a.id))
ON CONFLICT (account_id, key_id) DO UPDATE SET tasks_per_hour = excluded.tasks_per_hour, tasks_per_day = excluded.tasks_per_day,
    concurrent_runs = excluded.concurrent_runs, open_streams = excluded.open_streams, pages_per_month = excluded.pages_per_month,
    tokens_per_month = excluded.tokens_per_month, microdollars_per_month = excluded.microdollars_per_month, updated_at = now();

-- name: LimitUsage :one
-- What an account (key empty), or one of its keys, has used, and what is reserved for its open runs.
SELECT coalesce((SELECT c.tasks FROM usage_counters c WHERE c.account_id = @account_id AND c.key_id = @key_id AND c.period = 'hour' AND c.starts_at = date_trunc('hour', now(), 'UTC')),
                (SELECT count(*) FROM tasks t WHERE t.account_id = @account_id AND t.created_at >= date_trunc('hour', now(), 'UTC') AND (@key_id::text = '' OR t.created_by_key = @key_id)))::bigint AS tasks_this_hour,
       coalesce((SELECT c.tasks FROM usage_counters c WHERE c.account_id = @account_id AND c.key_id = @key_id AND c.period = 'day' AND c.starts_at = date_trunc('day', now(), 'UTC')),
                (SELECT count(*) FROM tasks t WHERE t.account_id = @account_id AND t.created_at >= date_trunc('day', now(), 'UTC') AND (@key_id::text = '' OR t.created_by_key = @key_id)))::bigint AS tasks_today,
       o.runs::bigint AS runs, o.pages::bigint AS pages_reserved, o.tokens::bigint AS tokens_reserved, o.microdollars::bigint AS microdollars_reserved,
       (SELECT coalesce(sum(s.streams), 0) FROM open_streams s WHERE s.account_id = @account_id AND (@key_id::text = '' OR s.key_id = @key_id)
           AND s.seen_at > clock_timestamp() - make_interval(secs => @fresh_seconds::float8))::bigint AS streams,
       u.pages::bigint AS pages, u.tokens::bigint AS tokens, u.microdollars::bigint AS microdollars,
       (date_trunc('hour', now(), 'UTC') + interval '1 hour')::timestamptz AS hour_resets_at,
       (date_trunc('day', now(), 'UTC') + interval '1 day')::timestamptz AS day_resets_at,
       (date_trunc('month', now(), 'UTC') + interval '1 month')::timestamptz AS month_resets_at
FROM used_this_month(@account_id, @key_id) u,
     (SELECT count(*) AS runs, coalesce(sum(r.reserved_pages), 0) AS pages, coalesce(sum(r.reserved_tokens), 0) AS tokens,
             coalesce(sum(r.reserved_microdollars), 0) AS microdollars
      FROM tasks t JOIN runs r ON r.task_id = t.id AND r.ended_at IS NULL
      WHERE t.account_id = @account_id AND t.status = 'running' AND (@key_id::text = '' OR t.created_by_key = @key_id)) o;

-- name: OpenStream :one
-- Counts a stream that this process opens for an account and key, unless a limit refuses it.
SELECT coalesce(s.counted, false)::boolean AS counted, (s.most IS NOT NULL)::boolean AS refused, coalesce(s.most, 0)::bigint AS most, coalesce(s.by_key, false)::boolean AS by_key
FROM open_stream(@process::uuid, @account::text, @key::text, @defaults::jsonb, @fresh_seconds::float8) s;

-- name: CloseStream :exec
-- Counts a stream that this process has closed.
UPDATE open_streams o SET streams = o.streams - 1 WHERE o.process = @process AND o.account_id = @account_id AND o.key_id = @key_id AND o.streams > 0;

-- name: RenewStreams :exec
-- Keeps the streams of this process counted, and forgets those of dead processes.
WITH dead AS (
    DELETE FROM open_streams d WHERE d.seen_at < clock_timestamp() - make_interval(secs => @dead_seconds::float8)
)
UPDATE open_streams o SET seen_at = clock_timestamp() WHERE o.process = @process;
