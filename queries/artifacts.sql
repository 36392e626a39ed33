-- name: UpsertArtifacts :execrows
-- Records files that were just written, if their task still exists.
INSERT INTO artifacts (task_id, name, kind, content_type, bytes, store_id)
SELECT h.task_id, f.name, f.kind, f.content_type, f.bytes, @store_id::text
FROM task_heads h, (SELECT unnest(@names::text[]) AS name, unnest(@kinds::text[]) AS kind, unnest(@content_types::text[]) AS content_type,
                           unnest(@sizes::bigint[]) AS bytes) f
WHERE h.task_id = @task_id
ON CONFLICT (task_id, name) DO UPDATE SET bytes = excluded.bytes, content_type = excluded.content_type, store_id = excluded.store_id, created_at = now();

-- name: TaskArtifacts :many
-- The files of a task, by name.
SELECT name, kind, content_type, bytes, store_id, created_at FROM artifacts WHERE task_id = @task_id ORDER BY name;

-- name: Artifact :one
-- One file of a task of an account.
SELECT a.name, a.kind, a.content_type, a.bytes, a.store_id, a.created_at
FROM artifacts a JOIN tasks t ON t.id = a.task_id
WHERE a.task_id = @task_id AND t.account_id = @account_id AND a.name = @name;

-- name: Screenshots :many
-- The screenshots of tasks, oldest first.
SELECT task_id, name FROM artifacts WHERE task_id = ANY((SELECT @task_ids::uuid[])::uuid[])
  AND kind = 'screenshot' ORDER BY task_id, created_at, name;

-- name: AllArtifacts :many
-- The rows of all artifacts, which the audit compares with the files.
SELECT task_id, name, bytes, store_id FROM artifacts ORDER BY task_id, name;

-- name: TaskExists :one
-- Whether a task of any account exists.
SELECT EXISTS (SELECT 1 FROM task_heads WHERE task_id = @task_id);
