-- name: InsertAudit :exec
-- Adds an entry to the audit log.
INSERT INTO audit_log (account_id, actor_kind, actor_id, action, target, address, details)
VALUES (sqlc.narg(account_id), @actor_kind, @actor_id, @action, @target, sqlc.narg(address), @details);

-- name: ListAudit :many
-- A page of an account's audit log, newest first. before_id is the keyset cursor.
SELECT * FROM audit_log
WHERE account_id = @account_id
  AND (sqlc.narg(before_id)::bigint IS NULL OR id < sqlc.narg(before_id))
  AND (sqlc.narg(action)::text IS NULL OR action = sqlc.narg(action))
ORDER BY id DESC
LIMIT @max_rows;
