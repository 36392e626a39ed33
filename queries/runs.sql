-- name: LockHead :one
-- Locks a task's head. Every transaction that changes a task takes this lock first.
SELECT run_epoch, last_seq, owner, job_id, date_trunc('milliseconds', clock_timestamp())::timestamptz AS at
FROM task_heads WHERE task_id = @task_id FOR UPDATE;

-- name: LockTask :one
-- Locks a task's head, then its row, and reads both. The row is locked too because it would otherwise be read as it was before
-- the wait for the head.
SELECT sqlc.embed(t), h.run_epoch, h.last_seq, h.owner, h.job_id, n.parent_id AS child_of,
       date_trunc('milliseconds', clock_timestamp())::timestamptz AS at
FROM task_heads h JOIN tasks t ON t.id = h.task_id LEFT JOIN tree_nodes n ON n.task_id = h.task_id
WHERE h.task_id = @task_id FOR UPDATE OF h FOR NO KEY UPDATE OF t;

-- name: ClaimTask :one
-- Makes a worker the owner of an epoch, sets the task to running, stores the run with what it reserves, and appends events. The
-- start, provider, model and prompt version of the task's first run are kept. No row: another worker has claimed the epoch, or
-- it is over; the caller must roll back.
WITH head AS (
    UPDATE task_heads h SET owner = @owner::uuid, last_seq = h.last_seq + cardinality(@types::text[])
    WHERE h.task_id = @task_id AND h.run_epoch = @epoch AND h.owner IS NULL
    RETURNING h.task_id, h.run_epoch, h.last_seq, date_trunc('milliseconds', clock_timestamp())::timestamptz AS at
), started AS (
    UPDATE tasks t SET status = 'running', started_at = coalesce(t.started_at, greatest(head.at, t.created_at)),
           provider = coalesce(t.provider, @provider::text), model = coalesce(t.model, @model::text),
           prompt_version = coalesce(t.prompt_version, @prompt_version::text),
           unserved_since = NULL, not_before = NULL, held_since = NULL
    FROM head WHERE t.id = head.task_id AND t.status IN ('created','queued')
    RETURNING t.try, t.provider, t.model, t.prompt_version
), run AS (
    INSERT INTO runs (task_id, epoch, try, worker_id, claimed_at, seen_at, reserved_pages, reserved_tokens, reserved_microdollars)
    SELECT head.task_id, head.run_epoch, started.try, @owner::uuid, head.at, head.at,
           sqlc.narg(reserved_pages)::bigint, sqlc.narg(reserved_tokens)::bigint, sqlc.narg(reserved_microdollars)::bigint
    FROM head, started
), added AS (
    INSERT INTO task_events (task_id, seq, type, terminal, created_at, body)
    SELECT head.task_id, head.last_seq - cardinality(@types::text[]) + e.nth, e.type, false, head.at, e.body
    FROM head, started, (SELECT generate_subscripts(@types::text[], 1) AS nth, unnest(@types::text[]) AS type,
                                unnest(@bodies::text[])::json AS body) e
)
SELECT head.last_seq, head.at, started.try, started.provider::text AS provider, started.model::text AS model,
       started.prompt_version::text AS prompt_version
FROM head, started;

-- name: ExitRun :one
-- Ends an epoch, and its run if there is one. After this the run of that epoch can write nothing. What the run reserved is free
-- again, and what it used is added to the usage of its account. The end of a lost run is its last write, not the time when the
-- loss was found. No row: the epoch is over already.
WITH head AS (
    UPDATE task_heads h SET last_seq = h.last_seq + @events, run_epoch = h.run_epoch + 1, owner = NULL, job_id = NULL
    WHERE h.task_id = @task_id AND h.run_epoch = @epoch
    RETURNING h.task_id, h.last_seq, h.run_epoch, date_trunc('milliseconds', clock_timestamp())::timestamptz AS at
), ended AS (
    UPDATE runs r SET ended_at = CASE WHEN @outcome::text = 'lost' THEN r.seen_at ELSE greatest(head.at, r.claimed_at) END,
           outcome = @outcome::text
    FROM head WHERE r.task_id = head.task_id AND r.epoch = @epoch AND r.ended_at IS NULL
    RETURNING r.task_id, r.epoch
), used AS (
    INSERT INTO usage_entries (account_id, key_id, month, pages, tokens, microdollars)
    SELECT t.account_id, coalesce(t.created_by_key, ''), date_trunc('month', now(), 'UTC'), u.pages, u.tokens, u.microdollars
    FROM ended e JOIN tasks t ON t.id = e.task_id,
         LATERAL (SELECT count(*) FILTER (WHERE s.tool = 'navigate_to') AS pages, coalesce(sum(s.input_tokens + s.output_tokens), 0)::bigint AS tokens,
                         coalesce(ceil(sum(s.cost_usd) * 1000000), 0)::bigint AS microdollars
                  FROM steps s WHERE s.task_id = e.task_id AND s.epoch = e.epoch) u
    WHERE u.pages > 0 OR u.tokens > 0 OR u.microdollars > 0
)
SELECT head.last_seq, head.run_epoch, head.at FROM head;

-- name: RequeueTask :exec
-- Sets a task to queued, after a hand-back (same try) or for a retry (next try). It is not begun before a delay has passed.
UPDATE tasks SET status = 'queued', try = @try, held = false, held_since = NULL, waiting_for = NULL,
       not_before = CASE WHEN @delay_seconds::float8 > 0 THEN clock_timestamp() + make_interval(secs => @delay_seconds::float8) END
WHERE id = @id AND status IN ('created','queued','running');

-- name: EndTask :one
-- Ends a task: completed with an answer, which only a running task can have, or failed or cancelled with an
-- error. No row: the task has ended already. completed_at is never before an earlier time of the task. Returns
-- the seconds from the first start to the end; 0 for a task that never started.
UPDATE tasks SET status = @status::text, completed_at = greatest(@at::timestamptz, started_at, created_at), metadata = @metadata,
       answer = sqlc.narg(answer)::text, confidence = sqlc.narg(confidence)::float8, answered = sqlc.narg(answered)::boolean,
       data = sqlc.narg(data)::json, data_basis = sqlc.narg(data_basis)::json, contradictions = sqlc.narg(contradictions)::json,
       error = sqlc.narg(error)::text, error_code = sqlc.narg(error_code)::text, held = false, held_since = NULL, waiting_for = NULL
WHERE id = @id AND status IN ('created','queued','running') AND (@status::text <> 'completed' OR status = 'running')
RETURNING coalesce(task_seconds(started_at, completed_at), 0)::float8 AS duration_seconds;

-- name: SpentMillis :one
-- Milliseconds that earlier runs of a task took, from claim to end or, for a lost one, to its last write.
SELECT coalesce(sum(extract(epoch FROM coalesce(ended_at, seen_at) - claimed_at) * 1000), 0)::bigint
FROM runs WHERE task_id = @task_id AND epoch < @epoch;

-- name: HeadEpochs :many
-- The present epochs of tasks. When a task is missing or has a newer epoch than a run of it, the run must stop.
SELECT task_id, run_epoch FROM task_heads WHERE task_id = ANY(@task_ids::uuid[]);

-- name: AbandonedTasks :many
-- Open tasks whose work has stopped: the owner has no fresh heartbeat, the job is missing or finished, the process that
-- fetched the job has not claimed its epoch within one lease time, or the job waits in a queue of a process that has no
-- fresh heartbeat. A held task has no job and waits for room. River's table is only read.
SELECT h.task_id, h.run_epoch,
       (CASE WHEN h.owner IS NOT NULL AND w.id IS NULL THEN 'owner_dead'
             WHEN h.owner IS NULL AND j.state::text = 'running' THEN 'never_claimed'
             WHEN h.owner IS NULL AND j.state::text IN ('available','pending','retryable','scheduled') THEN 'queue_unserved'
             ELSE 'job_over' END)::text AS reason
FROM tasks t
JOIN task_heads h ON h.task_id = t.id
LEFT JOIN river_job j ON j.id = h.job_id
LEFT JOIN workers w ON w.id = h.owner AND w.heartbeat_at > now() - make_interval(secs => @lease_seconds::float8)
WHERE t.status IN ('created','queued','running') AND NOT t.held
  AND (sqlc.narg(task_id)::uuid IS NULL OR h.task_id = sqlc.narg(task_id))
  AND (h.owner IS NOT NULL AND w.id IS NULL
       OR j.id IS NULL OR j.state::text NOT IN ('available','pending','retryable','running','scheduled')
       OR h.owner IS NULL AND j.state::text = 'running' AND j.attempted_at < now() - make_interval(secs => @lease_seconds::float8)
       OR h.owner IS NULL AND j.queue <> 'research' AND NOT EXISTS (
           SELECT 1 FROM workers a WHERE a.queue = j.queue AND a.heartbeat_at > now() - make_interval(secs => @lease_seconds::float8)))
ORDER BY t.created_at
LIMIT @max_rows;

-- name: LockEpoch :one
-- Locks a task's head if the task is still at this epoch and no other transaction has locked it.
SELECT owner, last_seq, job_id, date_trunc('milliseconds', clock_timestamp())::timestamptz AS at
FROM task_heads WHERE task_id = @task_id AND run_epoch = @epoch FOR UPDATE SKIP LOCKED;

-- name: LossesInARow :one
-- How many runs of a task were lost since its last step, including the run of this epoch.
SELECT count(*) FROM runs r
WHERE r.task_id = @task_id AND (r.outcome = 'lost' OR r.epoch = @epoch)
  AND r.epoch > coalesce((SELECT max(s.epoch) FROM steps s WHERE s.task_id = @task_id), 0);

-- name: StuckFileJobs :many
-- Jobs for files that have run for longer than such a job may, because their process died. Jobs that were cancelled are
-- left out, because they were replaced already. The rows are locked, so that no other process replaces the jobs at the
-- same time. River's table is only read.
SELECT id, kind, (args->>'taskId')::uuid AS task_id FROM river_job
WHERE state = 'running' AND queue = @queue AND kind = ANY(@kinds::text[])
  AND attempted_at < now() - make_interval(secs => @older_than_seconds::float8)
  AND NOT metadata ? 'cancel_attempted_at'
ORDER BY id
LIMIT @max_rows
FOR UPDATE SKIP LOCKED;
