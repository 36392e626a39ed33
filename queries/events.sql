-- name: InsertEvents :exec
-- Appends events. Their seqs were reserved in the head by the same transaction.
INSERT INTO task_events (task_id, seq, type, terminal, created_at, body)
SELECT @task_id::uuid, unnest(@seqs::bigint[]), unnest(@types::text[]), unnest(@terminals::boolean[]), @at::timestamptz, unnest(@bodies::text[])::json;

-- name: AppendEvents :one
-- Appends events in one statement: it checks the epoch, reserves seqs in the head, and inserts the events. No row: the
-- epoch is over, and the run must stop.
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
-- The events of a log after a cursor.
SELECT seq, type, terminal, created_at, body
FROM task_events WHERE task_id = @task_id AND seq > @after ORDER BY seq LIMIT @max_rows;

-- name: AccountEventsAfter :many
-- The events of a log after a cursor, when the task belongs to the account.
SELECT e.seq, e.type, e.terminal, e.created_at, e.body
FROM task_events e
WHERE e.task_id = @task_id AND e.seq > @after
  AND EXISTS (SELECT 1 FROM tasks t WHERE t.id = @task_id AND t.account_id = @account_id)
ORDER BY e.seq LIMIT @max_rows;

-- name: TaskOwned :one
-- Whether a task belongs to an account.
SELECT EXISTS (SELECT 1 FROM tasks WHERE id = @task_id AND account_id = @account_id);

-- name: LastSeqs :many
-- The last seq of each log and whether the log has ended, for readers that may have missed a notification.
SELECT h.task_id, h.last_seq, (t.status IN ('completed','failed','cancelled'))::boolean AS terminal
FROM task_heads h JOIN tasks t ON t.id = h.task_id
WHERE h.task_id = ANY(@task_ids::uuid[]);

-- name: Notify :exec
-- Sends notifications, never inside a transaction with data: a commit with a pending NOTIFY takes a lock on the
-- whole database. Notifications need not survive a crash, so this commit does not wait for the disk.
SELECT set_config('synchronous_commit', 'off', true), pg_notify(@channel::text, payload) FROM unnest(@payloads::text[]) AS payload;

-- name: FinalErrorEvent :one
-- The event with which a task failed or was cancelled, read before the task's rows are deleted.
SELECT seq, created_at, body FROM task_events WHERE task_id = @task_id AND terminal AND type = 'agent:error';

-- name: KeptFinalEvent :one
-- The event of FinalErrorEvent after the task was deleted. The task's purge job holds a copy, for readers that received
-- no notification. River's table is only read.
SELECT (args->'last')::jsonb AS last FROM river_job
WHERE kind = 'purge_artifacts' AND args @> jsonb_build_object('taskId', @task_id::text) AND args ? 'last'
ORDER BY id LIMIT 1;
