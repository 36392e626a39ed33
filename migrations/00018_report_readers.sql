-- What analysts may read: views that show a database role the accounts that report_readers names for it, and nothing else.
-- `legwork migrate --grants` lets the role legwork_report read them.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE report_readers (
    role_name  text NOT NULL CHECK (char_length(role_name) BETWEEN 1 AND 63),
    account_id text NOT NULL REFERENCES accounts ON DELETE CASCADE,
    PRIMARY KEY (role_name, account_id)
);
COMMENT ON TABLE report_readers IS 'Which accounts a database role may read in the report views. An administrator of the database writes it.';

-- security_barrier: no condition of a reader's query, and no function in it, is run on rows that the view leaves out.
CREATE VIEW report_tasks WITH (security_barrier) AS
SELECT o.task_id, o.account_id, o.status, o.answered, o.error_code, o.created_at, o.started_at, o.completed_at, o.duration_seconds, o.confidence,
       o.provider, o.model, o.citations, u.pages, u.tool_calls, u.model_calls, u.input_tokens, u.output_tokens, u.cost_usd, u.running_seconds
FROM task_outcomes o JOIN task_usage u ON u.task_id = o.task_id
WHERE o.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report_tasks IS 'How the tasks of the reader''s accounts ended, and what they used.';

CREATE VIEW report_visits WITH (security_barrier) AS
SELECT v.id AS visit_id, v.account_id, v.task_id, v.url, v.final_url, v.outcome, v.status, v.title, v.bytes, v.millis, v.fetched_at
FROM visits v
WHERE v.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report_visits IS 'The pages that the reader''s accounts opened.';

CREATE VIEW report_audit WITH (security_barrier) AS
SELECT a.id, a.at, a.account_id, a.actor_kind, a.actor_id, a.action, a.target, a.details
FROM audit_log a
WHERE a.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report_audit IS 'What was done to users, roles, credentials and data of the reader''s accounts, without addresses of clients.';
-- +goose StatementEnd
