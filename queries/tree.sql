-- name: AppendToParent :one
-- Appends events to the log of a child's parent while the parent waits for its children, so that no run appends to that log.
-- The transaction has locked the child's head. No row: the task has no parent that waits for it.
WITH parent AS (
    UPDATE task_heads h SET last_seq = h.last_seq + cardinality(@types::text[])
    FROM tree_nodes n JOIN tasks p ON p.id = n.parent_id
    WHERE n.task_id = @child AND h.task_id = n.parent_id AND p.waiting_for = 'children' AND p.status = 'queued'
    RETURNING h.task_id, h.last_seq, date_trunc('milliseconds', clock_timestamp())::timestamptz AS at
), added AS (
    INSERT INTO task_events (task_id, seq, type, terminal, created_at, body)
    SELECT parent.task_id, parent.last_seq - cardinality(@types::text[]) + e.nth, e.type, false, parent.at, e.body
    FROM parent, (SELECT generate_subscripts(@types::text[], 1) AS nth, unnest(@types::text[]) AS type, unnest(@bodies::text[])::json AS body) e
)
SELECT parent.task_id, parent.last_seq, parent.at FROM parent;

-- name: ChildNumber :one
-- The number of a child among its parent's children, and the parent. No row: the task is no child.
SELECT n.parent_id::uuid AS parent_id, n.number::integer AS number FROM tree_nodes n WHERE n.task_id = @task_id AND n.parent_id IS NOT NULL;

-- name: InsertRoot :exec
-- Stores the pool of a deep task that has planned, with the share that the task keeps for itself.
INSERT INTO tree_nodes (task_id, depth, pages, seconds, tokens, microdollars, own_seconds, own_tokens, own_microdollars, given_seconds, given_tokens, given_microdollars)
VALUES (@task_id, 1, @pages, @seconds, sqlc.narg(tokens)::bigint, sqlc.narg(microdollars)::bigint,
        @own_seconds, sqlc.narg(own_tokens)::bigint, sqlc.narg(own_microdollars)::bigint,
        @own_seconds, coalesce(sqlc.narg(own_tokens)::bigint, 0), coalesce(sqlc.narg(own_microdollars)::bigint, 0))
ON CONFLICT (task_id) DO NOTHING;

-- name: LockRoot :one
-- Locks the pool of a deep task, and says what is left of it and how many children there are.
SELECT (n.pages - n.given_pages)::bigint AS pages, (n.seconds - n.given_seconds)::bigint AS seconds,
       coalesce(n.tokens - n.given_tokens, -1)::bigint AS tokens, coalesce(n.microdollars - n.given_microdollars, -1)::bigint AS microdollars, n.plan
FROM tree_nodes n WHERE n.task_id = @task_id AND n.depth = 1 FOR UPDATE;

-- name: CountChildren :one
-- The children of a deep task: all of them, those that have not ended, and those of them that wait for no turn. After
-- LockRoot no other transaction ends a child or gives one its turn.
SELECT count(*) AS children, coalesce(max(c.number), 0)::integer AS last_number, coalesce(max(c.round), 0)::integer AS last_round,
       count(*) FILTER (WHERE t.status IN ('created','queued','running')) AS open,
       count(*) FILTER (WHERE t.status IN ('created','queued','running') AND t.waiting_for IS NULL) AS at_work
FROM tree_nodes c JOIN tasks t ON t.id = c.task_id WHERE c.parent_id = @parent_id::uuid;

-- name: SavePlan :exec
-- Stores the plan of the present round, and until when the task waits.
UPDATE tree_nodes SET plan = @plan::json, waits_until = clock_timestamp() + make_interval(secs => @seconds::float8) WHERE task_id = @task_id;

-- name: GiveShare :exec
-- Gives a part of the pool, which the transaction has locked. The checks of the row keep the sum of the shares within the pool.
UPDATE tree_nodes SET given_pages = given_pages + @pages, given_seconds = given_seconds + @seconds,
       given_tokens = given_tokens + @tokens, given_microdollars = given_microdollars + @microdollars
WHERE task_id = @parent_id AND depth = 1;

-- name: InsertChild :exec
-- Stores that a task is a child, with its share.
INSERT INTO tree_nodes (task_id, depth, parent_id, number, round, pages, seconds, tokens, microdollars)
VALUES (@task_id, 2, @parent_id::uuid, @number::integer, @round::integer, @pages, @seconds, sqlc.narg(tokens)::bigint, sqlc.narg(microdollars)::bigint);

-- name: PinAs :exec
-- Pins a child to the provider, model and prompts of its parent.
UPDATE tasks c SET provider = p.provider, model = p.model, prompt_version = p.prompt_version
FROM tasks p WHERE p.id = @parent_id AND c.id = @task_id;

-- name: SettleShare :exec
-- Returns to the pool what a child that has ended did not use of its share. What it used beyond its share (the tokens of
-- its last call, for instance) is not taken from the pool.
WITH used AS (
    SELECT n.task_id, n.parent_id, n.pages - least(n.pages, u.pages) AS pages, n.seconds - least(n.seconds, ceil(u.running_seconds)::bigint) AS seconds,
           n.tokens - least(n.tokens, u.input_tokens + u.output_tokens) AS tokens,
           n.microdollars - least(n.microdollars, coalesce(ceil(u.cost_usd * 1000000), 0)::bigint) AS microdollars
    FROM tree_nodes n JOIN task_usage u ON u.task_id = n.task_id WHERE n.task_id = @task_id AND n.parent_id IS NOT NULL
), child AS (
    UPDATE tree_nodes n SET pages = n.pages - used.pages, seconds = n.seconds - used.seconds, tokens = n.tokens - used.tokens, microdollars = n.microdollars - used.microdollars
    FROM used WHERE n.task_id = used.task_id
)
UPDATE tree_nodes p SET given_pages = p.given_pages - used.pages, given_seconds = p.given_seconds - used.seconds,
       given_tokens = p.given_tokens - coalesce(used.tokens, 0), given_microdollars = p.given_microdollars - coalesce(used.microdollars, 0)
FROM used WHERE p.task_id = used.parent_id;

-- name: SetWaiting :exec
-- A queued task waits without a job. The transaction has locked its head.
UPDATE tasks SET status = 'queued', held = true, held_since = NULL, not_before = NULL, waiting_for = @waiting_for::text
WHERE id = @id AND status IN ('created','queued');

-- name: ClearJob :exec
-- A task that waits has no job.
UPDATE task_heads SET job_id = NULL WHERE task_id = @task_id;

-- name: StopWaiting :one
-- A task waits no longer for this, so it gets a job. No row: it does not wait for this. The transaction has locked its head.
UPDATE tasks SET held = false, waiting_for = NULL WHERE id = @id AND status = 'queued' AND waiting_for = @waiting_for::text
RETURNING priority, (started_at IS NOT NULL)::boolean AS begun, try;

-- name: KeepWaiting :execrows
-- A task whose plan was confirmed waits for its children. The transaction has locked its head.
UPDATE tasks SET waiting_for = 'children' WHERE id = @id AND status = 'queued' AND waiting_for = 'plan';

-- name: OpenChildren :many
-- The children of a deep task that have not ended, in the order in which their heads are locked.
SELECT n.task_id FROM tree_nodes n JOIN tasks t ON t.id = n.task_id
WHERE n.parent_id = @parent_id::uuid AND t.status IN ('created','queued','running') ORDER BY n.number;

-- name: ChildIDs :many
-- All children of deep tasks, in the order in which their heads are locked.
SELECT n.task_id FROM tree_nodes n WHERE n.parent_id = ANY(@parent_ids::uuid[]) ORDER BY n.parent_id, n.number;

-- name: DueNodes :many
-- What is to be done about trees: a child gets its turn, a plan was not confirmed in time, a child did not end in time,
-- or a parent waits although no child is open (which only a process of an older version leaves).
SELECT t.id, 'turn'::text AS due FROM tasks t JOIN tree_nodes n ON n.task_id = t.id
WHERE t.waiting_for = 'turn' AND t.status = 'queued'
  AND (SELECT count(*) FROM tree_nodes s JOIN tasks o ON o.id = s.task_id
       WHERE s.parent_id = n.parent_id AND o.status IN ('created','queued','running') AND o.waiting_for IS NULL) < @at_once::bigint
UNION ALL
SELECT t.id, 'plan' FROM tasks t JOIN tree_nodes n ON n.task_id = t.id
WHERE t.waiting_for = 'plan' AND t.status = 'queued' AND n.waits_until < now()
UNION ALL
SELECT c.task_id, 'late' FROM tasks p JOIN tree_nodes n ON n.task_id = p.id JOIN tree_nodes c ON c.parent_id = p.id JOIN tasks t ON t.id = c.task_id
WHERE p.waiting_for = 'children' AND p.status = 'queued' AND n.waits_until < now() AND t.status IN ('created','queued','running')
UNION ALL
SELECT p.id, 'children' FROM tasks p WHERE p.waiting_for = 'children' AND p.status = 'queued'
  AND NOT EXISTS (SELECT 1 FROM tree_nodes c JOIN tasks t ON t.id = c.task_id WHERE c.parent_id = p.id AND t.status IN ('created','queued','running'))
ORDER BY 2, 1
LIMIT @max_rows;

-- name: Tree :many
-- A deep task and its children, in one query: the task itself first, then the children by number. Of each: how far it is,
-- what it may use and has used, and how many quotes its answer cites.
SELECT n.task_id, n.depth, coalesce(n.number, 0)::integer AS number, coalesce(n.round, 0)::integer AS round, t.question, t.status, t.waiting_for,
       t.answer, t.answered, t.error, t.error_code, t.started_at, t.completed_at, n.waits_until, n.plan,
       n.pages, n.seconds, n.tokens, n.microdollars, n.given_pages, n.given_seconds, n.given_tokens, n.given_microdollars, n.own_seconds, n.own_tokens, n.own_microdollars,
       u.pages::bigint AS used_pages, u.running_seconds::float8 AS used_seconds, (u.input_tokens + u.output_tokens)::bigint AS used_tokens,
       coalesce(u.cost_usd, 0)::float8 AS used_usd, (SELECT count(*) FROM evidence e WHERE e.task_id = n.task_id AND e.marker IS NOT NULL) AS citations
FROM tasks root
JOIN tree_nodes n ON n.task_id = root.id OR n.parent_id = root.id
JOIN tasks t ON t.id = n.task_id
JOIN task_usage u ON u.task_id = n.task_id
WHERE root.id = @id AND (sqlc.narg(account_id)::text IS NULL OR root.account_id = sqlc.narg(account_id))
ORDER BY n.depth, n.number;
