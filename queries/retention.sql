-- name: LockExpired :many
-- Locks the heads of finished tasks that are older than the retention, oldest first. Tasks that another
-- transaction has locked are left for the next time. The children of a deep task are kept as long as the task.
SELECT t.id FROM tasks t JOIN task_heads h ON h.task_id = t.id
WHERE t.completed_at < now() - make_interval(secs => @keep_seconds::float8)
  AND NOT EXISTS (SELECT 1 FROM tree_nodes n JOIN tasks p ON p.id = n.parent_id
                  WHERE n.task_id = t.id AND (p.completed_at IS NULL OR p.completed_at >= now() - make_interval(secs => @keep_seconds::float8)))
ORDER BY t.completed_at LIMIT @max_rows
FOR UPDATE OF h SKIP LOCKED;

-- name: CountExpired :one
-- How many tasks the retention would remove.
SELECT count(*) FROM tasks t WHERE t.completed_at < now() - make_interval(secs => @keep_seconds::float8);

-- name: DeleteExpired :execrows
-- Removes finished tasks and everything that refers to them. The transaction has locked their heads.
DELETE FROM tasks WHERE id = ANY(@ids::uuid[]) AND status IN ('completed','failed','cancelled');

-- name: OrphanPages :many
-- Snapshots that nothing refers to, with ids after a given one. A large snapshot is stored shortly before its first
-- visit, so one of these may be new. If it is removed, the visit stores it again.
SELECT p.id FROM pages p
WHERE p.id > @after::bigint
  AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.page_id = p.id)
  AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.page_id = p.id)
ORDER BY p.id LIMIT @max_rows;

-- name: CountPagesAfterRetention :one
-- How many snapshots nothing would refer to once the retention has removed its tasks.
SELECT count(*) FROM pages p
WHERE NOT EXISTS (SELECT 1 FROM visits v LEFT JOIN tasks t ON t.id = v.task_id
                  WHERE v.page_id = p.id AND NOT coalesce(@expire::boolean AND t.completed_at < now() - make_interval(secs => @keep_seconds::float8), false))
  AND NOT EXISTS (SELECT 1 FROM evidence e JOIN tasks t ON t.id = e.task_id
                  WHERE e.page_id = p.id AND NOT coalesce(@expire::boolean AND t.completed_at < now() - make_interval(secs => @keep_seconds::float8), false));

-- name: CountOldKeys :one
-- How many idempotency keys are too old.
SELECT count(*) FROM idempotency_keys WHERE created_at < now() - make_interval(secs => @keep_seconds::float8);
