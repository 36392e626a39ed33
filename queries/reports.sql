-- name: SummariseReports :one
-- Brings the summaries of some changed hours up to date. Returns the number of their changed tasks; 0: nothing is left to do, or
-- another process does it. The transaction must be REPEATABLE READ.
SELECT summarise_reports(@most_tasks::integer)::integer;
