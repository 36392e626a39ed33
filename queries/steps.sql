-- name: RecordStep :one
-- Stores one step with its events, and sets the run's seen_at, in one statement that checks the epoch. The caller chose
-- the step's key (turn, call_no) before it made the call. No row: the epoch is over, and the run must stop.
WITH head AS (
    UPDATE task_heads h SET last_seq = h.last_seq + cardinality(@types::text[])
    WHERE h.task_id = @task_id AND h.run_epoch = @epoch
    RETURNING h.task_id, h.run_epoch, h.last_seq, date_trunc('milliseconds', clock_timestamp())::timestamptz AS at
), step AS (
    INSERT INTO steps (task_id, turn, call_no, epoch, try, kind, tool, args, result, visit_id, success, millis, input_tokens, output_tokens, cached_tokens, cost_usd, created_at)
    SELECT head.task_id, @turn::integer, @call_no::integer, head.run_epoch, @try::integer, @kind::text, @tool::text, @args::json, @result::json, sqlc.narg(visit_id)::uuid,
           @success::boolean, @millis::integer, @input_tokens::bigint, @output_tokens::bigint, @cached_tokens::bigint, sqlc.narg(cost_usd)::float8::numeric, head.at
    FROM head
), seen AS (
    UPDATE runs SET seen_at = greatest(head.at, runs.seen_at) FROM head WHERE runs.task_id = head.task_id AND runs.epoch = head.run_epoch
), added AS (
    INSERT INTO task_events (task_id, seq, type, terminal, created_at, body)
    SELECT head.task_id, head.last_seq - cardinality(@types::text[]) + e.nth, e.type, e.terminal, head.at, e.body
    FROM head, (SELECT generate_subscripts(@types::text[], 1) AS nth, unnest(@types::text[]) AS type,
                       unnest(@terminals::boolean[]) AS terminal, unnest(@bodies::text[])::json AS body) e
)
SELECT head.last_seq, head.at FROM head;

-- name: Steps :many
-- The journal of a task, in order. A step that opened a page does not store the page's links; they are read from its
-- visit.
SELECT s.turn, s.call_no, s.epoch, s.try, s.kind, s.tool, s.args, s.result, v.links, s.success, s.millis, s.input_tokens, s.output_tokens,
       s.cached_tokens,       s.cost_usd, s.created_at
FROM steps s LEFT JOIN visits v ON v.id = s.visit_id
WHERE s.task_id = @task_id ORDER BY s.turn, s.call_no;
