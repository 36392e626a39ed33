-- name: OpenTasks :many
-- How many open tasks there are in each state, and for how long the oldest of each has waited since its submission or its last run.
SELECT (CASE WHEN t.status = 'running' THEN 'running' WHEN t.waiting_for IS NOT NULL THEN 'waiting' WHEN t.held THEN 'held'
             WHEN t.not_before > now() THEN 'paused' ELSE t.status END)::text AS state,
       count(*) AS tasks,
       coalesce(extract(epoch FROM now() - min(CASE WHEN t.started_at IS NULL THEN t.created_at
           ELSE coalesce((SELECT max(r.ended_at) FROM runs r WHERE r.task_id = t.id), t.created_at) END)), 0)::float8 AS oldest_seconds
FROM tasks t WHERE t.status IN ('created','queued','running')
GROUP BY 1;

-- name: LiveSlots :one
-- How many worker processes are alive, and how many runs they can work on at the same time.
SELECT count(*) AS workers, coalesce(sum(w.slots), 0)::bigint AS slots
FROM workers w
WHERE w.heartbeat_at > now() - make_interval(secs => @lease_seconds::float8) AND w.queue = 'research';

-- name: RiverJobs :many
-- How many jobs of River have not ended. Those that have are many, and are left out. The queues of legwork ask have random names.
SELECT (CASE WHEN j.queue IN ('research','upkeep') THEN j.queue ELSE 'own' END)::text AS queue, j.state::text AS state, count(*) AS jobs
FROM river_job j WHERE j.state IN ('available','pending','retryable','running','scheduled')
GROUP BY 1, 2;

-- name: HighestUse :one
-- The part of its monthly limits that the account has used which has used most of each; -1 if no account has the limit.
WITH used AS (
    SELECT u.account_id, sum(u.pages) AS pages, sum(u.tokens) AS tokens, sum(u.microdollars) AS microdollars
    FROM (SELECT c.account_id, c.pages, c.tokens, c.microdollars FROM usage_counters c
          WHERE c.key_id = '' AND c.period = 'month' AND c.starts_at = date_trunc('month', now(), 'UTC')
          UNION ALL
          SELECT e.account_id, e.pages, e.tokens, e.microdollars FROM usage_entries e WHERE e.month = date_trunc('month', now(), 'UTC')) u
    GROUP BY u.account_id
), allowed AS (
    SELECT a.id AS account_id, coalesce(u.pages, 0) AS pages, coalesce(u.tokens, 0) AS tokens, coalesce(u.microdollars, 0) AS microdollars,
           CASE WHEN l.account_id IS NULL THEN (@defaults::jsonb ->> 'pages_per_month')::float8 ELSE l.pages_per_month END AS pages_limit,
           CASE WHEN l.account_id IS NULL THEN (@defaults::jsonb ->> 'tokens_per_month')::float8 ELSE l.tokens_per_month END AS tokens_limit,
           CASE WHEN l.account_id IS NULL THEN (@defaults::jsonb ->> 'microdollars_per_month')::float8 ELSE l.microdollars_per_month END AS microdollars_limit
    FROM accounts a LEFT JOIN used u ON u.account_id = a.id LEFT JOIN usage_limits l ON l.account_id = a.id AND l.key_id = ''
)
SELECT coalesce(max(pages / nullif(pages_limit, 0)), -1)::float8 AS pages,
       coalesce(max(tokens / nullif(tokens_limit, 0)), -1)::float8 AS tokens,
       coalesce(max(microdollars / nullif(microdollars_limit, 0)), -1)::float8 AS dollars
FROM allowed;
