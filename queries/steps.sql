-- name: InsertStep :exec
-- One journal row. Its key was chosen before the call.
INSERT INTO steps (task_id, turn, call_no, epoch, try, kind, tool, args, result, success, millis, input_tokens, output_tokens, created_at)
VALUES (@task_id, @turn, @call_no, @epoch, @try, @kind, @tool, @args, @result, @success, @millis, @input_tokens, @output_tokens, @at);

-- name: Steps :many
-- The journal of a task, in order.
SELECT turn, call_no, epoch, try, kind, tool, args, result, success, millis, input_tokens, output_tokens, created_at
FROM steps WHERE task_id = @task_id ORDER BY turn, call_no;
