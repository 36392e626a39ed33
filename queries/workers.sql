-- name: RegisterWorker :exec
-- Stores the row of a worker process, with its slots and its model.
INSERT INTO workers (id, slots, version, host, provider, model, prompt_version, queue)
VALUES (@id, @slots, @version, @host, @provider, @model, @prompt_version, @queue);

-- name: Heartbeat :execrows
-- Renews a lease by the database's clock. No row: the process was declared dead and must stop its runs.
UPDATE workers SET heartbeat_at = now() WHERE id = @id;

-- name: UnregisterWorker :exec
-- Removes the row of a worker process that stops.
DELETE FROM workers WHERE id = @id;

-- name: PruneWorkers :execrows
-- Removes processes that sent their last heartbeat long ago and hold no task.
DELETE FROM workers w
WHERE w.heartbeat_at < now() - make_interval(secs => @older_than_seconds::float8)
  AND NOT EXISTS (SELECT 1 FROM tasks t JOIN task_heads h ON h.task_id = t.id
                  WHERE t.status = 'running' AND h.owner = w.id);

-- name: LiveWorkers :many
-- The worker processes whose lease is valid, with the number of tasks that they run. A process that works for one legwork ask
-- alone is left out.
SELECT w.id, w.slots, w.version, w.host, w.started_at, w.heartbeat_at,
       (SELECT count(*) FROM tasks t JOIN task_heads h ON h.task_id = t.id WHERE t.status = 'running' AND h.owner = w.id) AS running
FROM workers w
WHERE w.heartbeat_at > now() - make_interval(secs => @lease_seconds::float8) AND w.queue = 'research'
ORDER BY w.started_at, w.id;

-- name: Unserved :one
-- Records that a worker lacks the model that the task is pinned to. Returns whether a live worker has the model,
-- whether this is the first time in a row, and the seconds for which no live worker has had it.
WITH able AS (
    SELECT EXISTS (SELECT 1 FROM workers w JOIN tasks t ON t.id = @id
                   WHERE w.heartbeat_at > now() - make_interval(secs => @lease_seconds::float8) AND w.queue = 'research'
                     AND (w.provider, w.model, w.prompt_version) = (t.provider, t.model, t.prompt_version)) AS yes
), old AS (
    SELECT unserved_since AS at FROM tasks WHERE id = @id
), noted AS (
    UPDATE tasks SET unserved_since = CASE WHEN able.yes THEN clock_timestamp() ELSE coalesce(tasks.unserved_since, clock_timestamp()) END
    FROM able WHERE tasks.id = @id
)
SELECT able.yes AS served, (old.at IS NULL)::boolean AS first,
       coalesce(extract(epoch FROM clock_timestamp() - old.at), 0)::float8 AS waited
FROM able, old;
