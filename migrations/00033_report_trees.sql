-- The view of trees takes what ended tasks used from their summaries, as report.tasks does: it read all their steps.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE VIEW report.trees WITH (security_barrier) AS
SELECT coalesce(n.parent_id, n.task_id) AS tree_id, n.task_id, t.account_id, t.created_at AS submitted_at, n.depth, n.parent_id AS parent_task_id, n.number, n.round, t.status, t.waiting_for,
       n.pages AS share_pages, n.seconds AS share_seconds, n.tokens AS share_tokens, n.microdollars::numeric / 1000000 AS share_usd,
       coalesce(s.pages, (SELECT u.pages FROM task_usage u WHERE u.task_id = n.task_id)) AS pages,
       coalesce(s.running_seconds, (SELECT u.running_seconds::double precision FROM task_usage u WHERE u.task_id = n.task_id)) AS running_seconds,
       coalesce(s.input_tokens + s.output_tokens, (SELECT u.input_tokens + u.output_tokens FROM task_usage u WHERE u.task_id = n.task_id)) AS tokens,
       CASE WHEN s.task_id IS NOT NULL THEN s.cost_usd ELSE (SELECT u.cost_usd FROM task_usage u WHERE u.task_id = n.task_id) END AS cost_usd
FROM tree_nodes n JOIN tasks t ON t.id = n.task_id
     LEFT JOIN (SELECT s.* FROM task_summaries s WHERE NOT EXISTS (SELECT 1 FROM report_changes c WHERE c.task_id = s.task_id)) s ON s.task_id = n.task_id
WHERE t.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
-- +goose StatementEnd
