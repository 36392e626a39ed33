-- name: ReserveKey :execrows
-- Reserves an idempotency key for a new task. No row: the key is in use. A second transaction with the same key
-- waits here until the first one ends. A key that is too old is replaced.
INSERT INTO idempotency_keys AS k (account_id, key, request_hash, task_id)
VALUES (@account_id, @key, @request_hash, @task_id)
ON CONFLICT (account_id, key) DO UPDATE
SET request_hash = excluded.request_hash, task_id = excluded.task_id, created_at = excluded.created_at
WHERE k.created_at < now() - make_interval(secs => @keep_seconds::float8);

-- name: TakenKey :one
-- The request and the task that a key was used for.
SELECT request_hash, task_id FROM idempotency_keys WHERE account_id = @account_id AND key = @key;

-- name: PurgeKeys :execrows
-- Removes keys that are too old.
DELETE FROM idempotency_keys WHERE (account_id, key) IN (
    SELECT o.account_id, o.key FROM idempotency_keys o
    WHERE o.created_at < now() - make_interval(secs => @keep_seconds::float8)
    ORDER BY o.created_at LIMIT @max_rows FOR UPDATE SKIP LOCKED);
