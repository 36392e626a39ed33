-- name: InsertEvents :exec
-- Appends events whose seqs were reserved on the head in this transaction.
INSERT INTO task_events (task_id, seq, type, terminal, created_at, body)
SELECT @task_id::uuid, unnest(@seqs::bigint[]), unnest(@types::text[]), unnest(@terminals::boolean[]), @at::timestamptz, unnest(@bodies::text[])::json;

-- name: AppendEvents :one
-- Room on the head behind the fence, and the events in it: a whole append in one statement. No row: the run must stop.
WITH head AS (
    UPDATE task_heads h SET last_seq = h.last_seq + cardinality(@types::text[])
    WHERE h.task_id = @task_id AND h.run_epoch = @epoch
    RETURNING h.task_id, h.last_seq, date_trunc('milliseconds', clock_timestamp())::timestamptz AS at
), added AS (
    INSERT INTO task_events (task_id, seq, type, terminal, created_at, body)
    SELECT head.task_id, head.last_seq - cardinality(@types::text[]) + e.nth, e.type, e.terminal, head.at, e.body
    FROM head, (SELECT generate_subscripts(@types::text[], 1) AS nth, unnest(@types::text[]) AS type,
                       unnest(@terminals::boolean[]) AS terminal, unnest(@bodies::text[])::json AS body) e
)
SELECT head.last_seq, head.at FROM head;

-- name: EventsAfter :many
-- The next events of a log.
SELECT seq, type, terminal, created_at, body
FROM task_events WHERE task_id = @task_id AND seq > @after ORDER BY seq LIMIT @max_rows;

-- name: AccountEventsAfter :many
-- The next events of a log, when the task belongs to the account.
SELECT e.seq, e.type, e.terminal, e.created_at, e.body
FROM task_events e
WHERE e.task_id = @task_id AND e.seq > @after
  AND EXISTS (SELECT 1 FROM tasks t WHERE t.id = @task_id AND t.account_id = @account_id)
ORDER BY e.seq LIMIT @max_rows;

-- name: TaskOwned :one
-- Whether a task belongs to an account.
SELECT EXISTS (SELECT 1 FROM tasks WHERE id = @task_id AND account_id = @account_id);

-- name: LastSeqs :many
-- How far logs have come; for readers that may have missed a wake-up.
SELECT h.task_id, h.last_seq, (t.status IN ('completed','failed','cancelled'))::boolean AS terminal
FROM task_heads h JOIN tasks t ON t.id = h.task_id
WHERE h.task_id = ANY(@task_ids::uuid[]);

-- name: Notify :exec
-- Wake-ups, never inside a data transaction: a commit with a pending NOTIFY takes a lock on the whole database.
-- Nothing of them must survive a crash, so their commit does not wait for the disk either.
SELECT set_config('synchronous_commit', 'off', true), pg_notify(@channel::text, payload) FROM unnest(@payloads::text[]) AS payload;

-- name: FinalErrorEvent :one
-- The event with which a task was cancelled, before its rows go.
SELECT seq, created_at, body FROM task_events WHERE task_id = @task_id AND terminal AND type = 'agent:error';

-- name: KeptFinalEvent :one
-- That event, as the purge job of a deleted task keeps it, for readers that nobody told. River's table is read, never written.
SELECT (args->'last')::jsonb AS last FROM river_job
WHERE kind = 'purge_artifacts' AND args @> jsonb_build_object('taskId', @task_id::text) AND args ? 'last'
ORDER BY id LIMIT 1;
