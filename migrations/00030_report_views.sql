-- The schema report: views for analysts, which are a contract (docs/reporting.md). Within a version, views and columns are only added.
-- Each view shows a database role the accounts that report_readers names for it, and nothing else. security_barrier: no
-- condition of a reader's query, and no function in it, is run on rows that the view leaves out.

-- +goose Up
-- +goose StatementBegin
CREATE SCHEMA report;
COMMENT ON SCHEMA report IS 'Views for analysts, version 1. Described in docs/reporting.md.';

CREATE VIEW report.version WITH (security_barrier) AS
SELECT 1 AS version;
COMMENT ON VIEW report.version IS 'The version of this schema. Within a version, views and columns are only added, and none changes its name, type or meaning.';
COMMENT ON COLUMN report.version.version IS 'The number of the version.';

CREATE VIEW report.accounts WITH (security_barrier) AS
SELECT a.id AS account_id, a.name, a.created_at FROM accounts a WHERE a.id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report.accounts IS 'The accounts that the reader may see.';
COMMENT ON COLUMN report.accounts.account_id IS 'The account. Primary key.';
COMMENT ON COLUMN report.accounts.name IS 'Its name for people.';
COMMENT ON COLUMN report.accounts.created_at IS 'When it was made.';

CREATE VIEW report.tasks WITH (security_barrier) AS
SELECT t.id AS task_id, t.account_id, t.parent_task_id, t.status, t.answered, t.error_code, t.question, t.priority, t.effort, t.format, t.search_engine,
       t.provider, t.model, t.prompt_version, t.created_by_user, t.created_by_key, t.created_at AS submitted_at, t.started_at, t.completed_at, t.try AS tries,
       extract(epoch FROM t.started_at - t.created_at)::double precision AS queue_seconds,
       CASE WHEN s.task_id IS NOT NULL THEN s.first_event_seconds ELSE (SELECT extract(epoch FROM min(e.created_at) - t.created_at)::double precision
           FROM task_events e WHERE e.task_id = t.id AND e.type = 'agent:tool_call') END AS first_event_seconds,
       extract(epoch FROM t.completed_at - t.started_at)::double precision AS duration_seconds,
       coalesce(s.running_seconds, (SELECT coalesce(sum(extract(epoch FROM coalesce(r.ended_at, r.seen_at) - r.claimed_at)), 0)::double precision FROM runs r WHERE r.task_id = t.id)) AS running_seconds,
       coalesce(s.runs, (SELECT count(*) FROM runs r WHERE r.task_id = t.id)) AS runs,
       coalesce(s.pages, (SELECT count(*) FROM visits v WHERE v.task_id = t.id AND NOT v.inherited)) AS pages,
       coalesce(s.failed_pages, (SELECT count(*) FROM visits v WHERE v.task_id = t.id AND NOT v.inherited AND v.outcome <> 'ok')) AS failed_pages,
       coalesce(s.tool_calls, (SELECT count(*) FROM steps st WHERE st.task_id = t.id AND st.kind = 'tool')) AS tool_calls,
       coalesce(s.failed_tool_calls, (SELECT count(*) FROM steps st WHERE st.task_id = t.id AND st.kind = 'tool' AND NOT st.success)) AS failed_tool_calls,
       coalesce(s.model_calls, (SELECT count(*) FROM steps st WHERE st.task_id = t.id AND st.kind = 'model')) AS model_calls,
       coalesce(s.input_tokens, (SELECT coalesce(sum(st.input_tokens), 0)::bigint FROM steps st WHERE st.task_id = t.id)) AS input_tokens,
       coalesce(s.cached_tokens, (SELECT coalesce(sum(st.cached_tokens), 0)::bigint FROM steps st WHERE st.task_id = t.id)) AS cached_tokens,
       coalesce(s.output_tokens, (SELECT coalesce(sum(st.output_tokens), 0)::bigint FROM steps st WHERE st.task_id = t.id)) AS output_tokens,
       CASE WHEN s.task_id IS NOT NULL THEN s.cost_usd ELSE (SELECT sum(st.cost_usd) FROM steps st WHERE st.task_id = t.id) END AS cost_usd,
       coalesce(s.citations, (SELECT count(*) FROM evidence e WHERE e.task_id = t.id AND e.marker IS NOT NULL)) AS citations,
       t.confidence
FROM tasks t LEFT JOIN (
    SELECT s.* FROM task_summaries s WHERE NOT EXISTS (SELECT 1 FROM report_changes c WHERE c.task_id = s.task_id)) s ON s.task_id = t.id
WHERE t.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report.tasks IS 'One row for each task: what was asked, how it ended, how long it took, and what it used.';
COMMENT ON COLUMN report.tasks.task_id IS 'The task. Primary key.';
COMMENT ON COLUMN report.tasks.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.tasks.parent_task_id IS 'The task that this one follows up. Foreign key: report.tasks.task_id. NULL: none.';
COMMENT ON COLUMN report.tasks.status IS 'created, queued, running, completed, failed or cancelled.';
COMMENT ON COLUMN report.tasks.answered IS 'Whether the answer answers the question. False: it was looked for and not found. NULL: the task has not completed, or an old version completed it.';
COMMENT ON COLUMN report.tasks.error_code IS 'Why the task failed or was cancelled. report.failures has the class of each code. NULL: it did not.';
COMMENT ON COLUMN report.tasks.question IS 'The question, as it was asked.';
COMMENT ON COLUMN report.tasks.priority IS 'low, normal or high.';
COMMENT ON COLUMN report.tasks.effort IS 'quick, standard or deep.';
COMMENT ON COLUMN report.tasks.format IS 'answer or report.';
COMMENT ON COLUMN report.tasks.search_engine IS 'The search engine that was asked for.';
COMMENT ON COLUMN report.tasks.provider IS 'The provider of the model; reader: the built-in reader. NULL: the task has not begun.';
COMMENT ON COLUMN report.tasks.model IS 'The model. Empty for the reader. NULL: the task has not begun.';
COMMENT ON COLUMN report.tasks.prompt_version IS 'The version of the prompts. NULL: the task has not begun.';
COMMENT ON COLUMN report.tasks.created_by_user IS 'The user who submitted the task. NULL: a key without a user, or access control was off.';
COMMENT ON COLUMN report.tasks.created_by_key IS 'The API key that submitted the task. NULL: none, or it was removed.';
COMMENT ON COLUMN report.tasks.submitted_at IS 'When the task was submitted. It has an index, together with the account.';
COMMENT ON COLUMN report.tasks.started_at IS 'When its first run began. NULL: not yet.';
COMMENT ON COLUMN report.tasks.completed_at IS 'When it ended, in whatever way. NULL: it has not.';
COMMENT ON COLUMN report.tasks.tries IS 'How many tries it took: one more after each transient failure.';
COMMENT ON COLUMN report.tasks.queue_seconds IS 'Seconds from submission to the first run. NULL: it has not begun.';
COMMENT ON COLUMN report.tasks.first_event_seconds IS 'Seconds from submission to the first call of a tool, which is the first event about the research itself. NULL: there was none.';
COMMENT ON COLUMN report.tasks.duration_seconds IS 'Seconds from the first run to the end. NULL while either is missing.';
COMMENT ON COLUMN report.tasks.running_seconds IS 'Seconds that its runs took together. Less than duration_seconds if it was interrupted.';
COMMENT ON COLUMN report.tasks.runs IS 'How many runs it had. More than one: it was tried again, handed back, lost, or waited for its children.';
COMMENT ON COLUMN report.tasks.pages IS 'Pages opened, good or bad; those that a follow-up took over from its parent do not count.';
COMMENT ON COLUMN report.tasks.failed_pages IS 'Of pages, those that could not be read.';
COMMENT ON COLUMN report.tasks.tool_calls IS 'Calls of tools.';
COMMENT ON COLUMN report.tasks.failed_tool_calls IS 'Of tool_calls, those that failed.';
COMMENT ON COLUMN report.tasks.model_calls IS 'Calls of the model that were answered.';
COMMENT ON COLUMN report.tasks.input_tokens IS 'Tokens that were sent to the model.';
COMMENT ON COLUMN report.tasks.cached_tokens IS 'Of input_tokens, those that the provider took from its cache.';
COMMENT ON COLUMN report.tasks.output_tokens IS 'Tokens that the model wrote.';
COMMENT ON COLUMN report.tasks.cost_usd IS 'US dollars for the model. NULL: its calls had no price (MODEL_PRICES).';
COMMENT ON COLUMN report.tasks.citations IS 'Quotes that the answer cites.';
COMMENT ON COLUMN report.tasks.confidence IS 'How far the answer can be relied on, from 0 to 1. NULL: there is no answer.';

CREATE VIEW report.runs WITH (security_barrier) AS
SELECT r.task_id, t.account_id, t.created_at AS submitted_at, r.epoch, r.try, r.worker_id, r.claimed_at, r.ended_at, r.outcome,
       extract(epoch FROM coalesce(r.ended_at, r.seen_at) - r.claimed_at)::double precision AS run_seconds
FROM tasks t JOIN runs r ON r.task_id = t.id
WHERE t.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report.runs IS 'One row for each run: the time for which one worker process held a task.';
COMMENT ON COLUMN report.runs.task_id IS 'The task. Foreign key: report.tasks.task_id.';
COMMENT ON COLUMN report.runs.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.runs.submitted_at IS 'When the task was submitted. Filter by this column: it has an index.';
COMMENT ON COLUMN report.runs.epoch IS 'The number of the run within its task. Primary key together with task_id.';
COMMENT ON COLUMN report.runs.try IS 'The try that the run belongs to.';
COMMENT ON COLUMN report.runs.worker_id IS 'The worker process.';
COMMENT ON COLUMN report.runs.claimed_at IS 'When it began.';
COMMENT ON COLUMN report.runs.ended_at IS 'When it ended. For a lost run: its last write. NULL: it has not.';
COMMENT ON COLUMN report.runs.outcome IS 'completed, failed, cancelled, retry (a transient failure), handed_back (the process stopped), lost (the process died) or waiting (for the plan or the children of a deep task). NULL: it has not ended.';
COMMENT ON COLUMN report.runs.run_seconds IS 'Seconds from the beginning to the end, or to the last write.';

CREATE VIEW report.steps WITH (security_barrier) AS
SELECT s.task_id, t.account_id, t.created_at AS submitted_at, s.turn, s.call_no, s.epoch, s.kind, nullif(s.tool, '') AS tool, s.success, s.created_at,
       s.millis::double precision / 1000 AS step_seconds, s.input_tokens, s.cached_tokens, s.output_tokens, s.cost_usd
FROM tasks t JOIN steps s ON s.task_id = t.id
WHERE t.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report.steps IS 'One row for each reply of a model and each call of a tool.';
COMMENT ON COLUMN report.steps.task_id IS 'The task. Foreign key: report.tasks.task_id.';
COMMENT ON COLUMN report.steps.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.steps.submitted_at IS 'When the task was submitted. Filter by this column: it has an index.';
COMMENT ON COLUMN report.steps.turn IS 'The number of the turn within the task. Primary key together with task_id and call_no.';
COMMENT ON COLUMN report.steps.call_no IS 'The number within the turn.';
COMMENT ON COLUMN report.steps.epoch IS 'The run that made the step. Foreign key, together with task_id: report.runs.';
COMMENT ON COLUMN report.steps.kind IS 'model or tool.';
COMMENT ON COLUMN report.steps.tool IS 'The name of the tool. NULL: a reply of the model.';
COMMENT ON COLUMN report.steps.success IS 'Whether it succeeded.';
COMMENT ON COLUMN report.steps.created_at IS 'When it ended.';
COMMENT ON COLUMN report.steps.step_seconds IS 'Seconds that it took.';
COMMENT ON COLUMN report.steps.input_tokens IS 'Tokens that were sent to the model.';
COMMENT ON COLUMN report.steps.cached_tokens IS 'Of input_tokens, those from the provider''s cache.';
COMMENT ON COLUMN report.steps.output_tokens IS 'Tokens that the model wrote.';
COMMENT ON COLUMN report.steps.cost_usd IS 'US dollars. NULL: no price, or a tool.';

CREATE VIEW report.visits WITH (security_barrier) AS
SELECT v.id AS visit_id, v.account_id, v.task_id, t.created_at AS submitted_at, v.url, v.final_url, url_host(v.final_url) AS domain, v.outcome,
       nullif(v.status, 0) AS http_status, v.title, nullif(v.source_kind, '') AS source_kind, v.cached, v.inherited, v.bytes AS size_bytes,
       v.millis::double precision / 1000 AS load_seconds, v.published_at, v.modified_at, v.fetched_at
FROM tasks t JOIN visits v ON v.task_id = t.id
WHERE t.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report.visits IS 'One row for each page that was opened, good or bad.';
COMMENT ON COLUMN report.visits.visit_id IS 'The visit. Primary key.';
COMMENT ON COLUMN report.visits.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.visits.task_id IS 'The task. Foreign key: report.tasks.task_id.';
COMMENT ON COLUMN report.visits.submitted_at IS 'When the task was submitted. Filter by this column: it has an index.';
COMMENT ON COLUMN report.visits.url IS 'The address that was opened.';
COMMENT ON COLUMN report.visits.final_url IS 'The address after redirects.';
COMMENT ON COLUMN report.visits.domain IS 'The host of final_url.';
COMMENT ON COLUMN report.visits.outcome IS 'ok, or why the page could not be read. report.failures has the class of each.';
COMMENT ON COLUMN report.visits.http_status IS 'The status of the last answer. NULL: there was none.';
COMMENT ON COLUMN report.visits.title IS 'The title of the page.';
COMMENT ON COLUMN report.visits.source_kind IS 'primary, docs, news or forum. NULL: not known.';
COMMENT ON COLUMN report.visits.cached IS 'Whether the page came from a snapshot that the account had.';
COMMENT ON COLUMN report.visits.inherited IS 'Whether a follow-up took it over from its parent. report.tasks.pages does not count it.';
COMMENT ON COLUMN report.visits.size_bytes IS 'Bytes that were loaded.';
COMMENT ON COLUMN report.visits.load_seconds IS 'Seconds that loading took.';
COMMENT ON COLUMN report.visits.published_at IS 'When the page says that it was published. NULL: it does not say.';
COMMENT ON COLUMN report.visits.modified_at IS 'When the page says that it was changed. NULL: it does not say.';
COMMENT ON COLUMN report.visits.fetched_at IS 'When it was opened.';

CREATE VIEW report.daily WITH (security_barrier) AS
SELECT d.account_id, d.day, count(*) AS tasks, count(*) FILTER (WHERE d.status = 'open') AS open_tasks,
       count(*) FILTER (WHERE d.status = 'completed') AS completed_tasks, count(*) FILTER (WHERE d.status = 'completed' AND d.answered IS NOT FALSE) AS answered_tasks,
       count(*) FILTER (WHERE d.status = 'failed') AS failed_tasks, count(*) FILTER (WHERE d.status = 'cancelled') AS cancelled_tasks,
       coalesce(sum(d.pages), 0)::bigint AS pages, coalesce(sum(d.tool_calls), 0)::bigint AS tool_calls, coalesce(sum(d.model_calls), 0)::bigint AS model_calls,
       coalesce(sum(d.input_tokens), 0)::bigint AS input_tokens, coalesce(sum(d.output_tokens), 0)::bigint AS output_tokens, sum(d.cost_usd) AS cost_usd,
       coalesce(sum(d.citations), 0)::bigint AS citations, avg(d.duration_seconds) AS mean_duration_seconds
FROM (SELECT s.account_id, (s.hour AT TIME ZONE 'UTC')::date AS day, s.status, s.answered, s.pages, s.tool_calls, s.model_calls, s.input_tokens, s.output_tokens, s.cost_usd, s.citations, s.duration_seconds
      FROM present_task_summaries s
      UNION ALL
      SELECT t.account_id, (t.created_at AT TIME ZONE 'UTC')::date, 'open', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM tasks t WHERE t.status IN ('created','queued','running')) d
WHERE d.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user)
GROUP BY d.account_id, d.day;
COMMENT ON VIEW report.daily IS 'One row for each account and day of submission: tasks by how they ended, and what they used. Days are those of UTC.';
COMMENT ON COLUMN report.daily.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.daily.day IS 'The day of submission, in UTC.';
COMMENT ON COLUMN report.daily.tasks IS 'Tasks that were submitted.';
COMMENT ON COLUMN report.daily.open_tasks IS 'Of tasks, those that have not ended. The other columns count what has ended.';
COMMENT ON COLUMN report.daily.completed_tasks IS 'Of tasks, those with an answer.';
COMMENT ON COLUMN report.daily.answered_tasks IS 'Of completed_tasks, those whose answer answers the question.';
COMMENT ON COLUMN report.daily.failed_tasks IS 'Of tasks, those that failed.';
COMMENT ON COLUMN report.daily.cancelled_tasks IS 'Of tasks, those that were cancelled.';
COMMENT ON COLUMN report.daily.pages IS 'Pages opened.';
COMMENT ON COLUMN report.daily.tool_calls IS 'Calls of tools.';
COMMENT ON COLUMN report.daily.model_calls IS 'Calls of models.';
COMMENT ON COLUMN report.daily.input_tokens IS 'Tokens that were sent to models.';
COMMENT ON COLUMN report.daily.output_tokens IS 'Tokens that models wrote.';
COMMENT ON COLUMN report.daily.cost_usd IS 'US dollars for models. NULL: no call had a price.';
COMMENT ON COLUMN report.daily.citations IS 'Quotes that the answers cite.';
COMMENT ON COLUMN report.daily.mean_duration_seconds IS 'The mean of report.tasks.duration_seconds. NULL: no task has begun and ended.';

CREATE VIEW report.tools WITH (security_barrier) AS
SELECT h.account_id, h.day, h.tool, sum(h.calls)::bigint AS calls, sum(h.failed_calls)::bigint AS failed_calls, sum(h.millis)::double precision / 1000 AS total_seconds,
       sum(h.millis)::double precision / 1000 / sum(h.calls)::double precision AS mean_seconds, max(h.longest_millis)::double precision / 1000 AS longest_seconds
FROM (SELECT p.account_id, (p.hour AT TIME ZONE 'UTC')::date AS day, p.tool, p.calls, p.failed_calls, p.millis, p.longest_millis FROM present_tool_hours p) h
WHERE h.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user)
GROUP BY h.account_id, h.day, h.tool;
COMMENT ON VIEW report.tools IS 'One row for each account, day of submission and tool: its calls. Only tasks that have ended count.';
COMMENT ON COLUMN report.tools.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.tools.day IS 'The day on which the task was submitted, in UTC.';
COMMENT ON COLUMN report.tools.tool IS 'The tool.';
COMMENT ON COLUMN report.tools.calls IS 'Its calls.';
COMMENT ON COLUMN report.tools.failed_calls IS 'Of calls, those that failed.';
COMMENT ON COLUMN report.tools.total_seconds IS 'Seconds that all calls took.';
COMMENT ON COLUMN report.tools.mean_seconds IS 'Seconds that a call took on average.';
COMMENT ON COLUMN report.tools.longest_seconds IS 'Seconds that the longest call took.';

CREATE VIEW report.domains WITH (security_barrier) AS
SELECT d.account_id, d.day, d.domain, d.visits, d.failed_visits, d.cached_visits, d.bytes AS size_bytes, d.millis::double precision / 1000 AS load_seconds, d.citations,
       d.supported AS supported_citations, d.partial AS partly_supported_citations, d.unsupported AS unsupported_citations, d.unchecked AS unchecked_citations
FROM present_domain_days d
WHERE d.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report.domains IS 'One row for each account, day of submission and host: the pages that were opened there and the quotes that were cited. Only tasks that have ended count.';
COMMENT ON COLUMN report.domains.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.domains.day IS 'The day on which the task was submitted, in UTC.';
COMMENT ON COLUMN report.domains.domain IS 'The host, after redirects. Empty: the address had none.';
COMMENT ON COLUMN report.domains.visits IS 'Pages opened.';
COMMENT ON COLUMN report.domains.failed_visits IS 'Of visits, those that could not be read.';
COMMENT ON COLUMN report.domains.cached_visits IS 'Of visits, those that came from a snapshot that the account had.';
COMMENT ON COLUMN report.domains.size_bytes IS 'Bytes that were loaded.';
COMMENT ON COLUMN report.domains.load_seconds IS 'Seconds that loading took.';
COMMENT ON COLUMN report.domains.citations IS 'Quotes from the host that answers cite.';
COMMENT ON COLUMN report.domains.supported_citations IS 'Of citations, those whose sentence in the answer says what the quote says.';
COMMENT ON COLUMN report.domains.partly_supported_citations IS 'Of citations, those whose sentence says more than the quote.';
COMMENT ON COLUMN report.domains.unsupported_citations IS 'Of citations, those whose sentence says something else.';
COMMENT ON COLUMN report.domains.unchecked_citations IS 'Of citations, those that nothing has compared: the reader answers with the quotes themselves, and a model may have no budget left for the comparison.';

CREATE VIEW report.citations WITH (security_barrier) AS
SELECT e.task_id, t.account_id, t.created_at AS submitted_at, e.marker, e.visit_id, encode(p.sha256, 'hex') AS page_id, e.url, url_host(e.url) AS domain, e.title, e.excerpt,
       e.excerpt IS NOT DISTINCT FROM substr(p.content, e.start_offset + 1, e.end_offset - e.start_offset) AS verified, e.support, e.source_group, nullif(v.source_kind, '') AS source_kind, v.published_at, e.accessed_at,
       (SELECT n.fetched_at FROM visits n WHERE n.account_id = v.account_id AND md5(n.url) = md5(v.url) AND n.url = v.url AND n.page_id IS NOT NULL AND n.links IS NOT NULL
         AND NOT n.cached AND n.fetched_at > v.fetched_at ORDER BY n.fetched_at DESC LIMIT 1) AS read_again_at,
       (SELECT n.page_id <> e.page_id FROM visits n WHERE n.account_id = v.account_id AND md5(n.url) = md5(v.url) AND n.url = v.url AND n.page_id IS NOT NULL AND n.links IS NOT NULL
         AND NOT n.cached AND n.fetched_at > v.fetched_at ORDER BY n.fetched_at DESC LIMIT 1) AS page_changed
FROM tasks t JOIN evidence e ON e.task_id = t.id JOIN visits v ON v.id = e.visit_id JOIN pages p ON p.id = e.page_id
WHERE e.marker IS NOT NULL AND t.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report.citations IS 'One row for each quote that an answer cites.';
COMMENT ON COLUMN report.citations.task_id IS 'The task. Foreign key: report.tasks.task_id.';
COMMENT ON COLUMN report.citations.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.citations.submitted_at IS 'When the task was submitted. Filter by this column: it has an index.';
COMMENT ON COLUMN report.citations.marker IS 'The number of the quote in the answer: [1], [2] … Primary key together with task_id.';
COMMENT ON COLUMN report.citations.visit_id IS 'The visit that read the page. Foreign key: report.visits.visit_id.';
COMMENT ON COLUMN report.citations.page_id IS 'The snapshot of the page: the SHA-256 of its text in hex, as in the API.';
COMMENT ON COLUMN report.citations.url IS 'The address of the page.';
COMMENT ON COLUMN report.citations.domain IS 'The host of url.';
COMMENT ON COLUMN report.citations.title IS 'The title of the page.';
COMMENT ON COLUMN report.citations.excerpt IS 'The quote.';
COMMENT ON COLUMN report.citations.verified IS 'Whether the quote is the span of the snapshot that the citation names, compared when the view is read. Never false.';
COMMENT ON COLUMN report.citations.support IS 'supported, partial, unsupported or unchecked: whether the sentence of the answer says what the quote says.';
COMMENT ON COLUMN report.citations.source_group IS 'Quotes of a task with the same number have the same source. NULL: an old version wrote the answer.';
COMMENT ON COLUMN report.citations.source_kind IS 'primary, docs, news or forum. NULL: not known.';
COMMENT ON COLUMN report.citations.published_at IS 'When the page says that it was published. NULL: it does not say.';
COMMENT ON COLUMN report.citations.accessed_at IS 'When the quote was taken.';
COMMENT ON COLUMN report.citations.read_again_at IS 'Drift: when the account loaded the same address last, after this. NULL: it has not, so nothing is known.';
COMMENT ON COLUMN report.citations.page_changed IS 'Drift: whether that page had another text. NULL: it was not loaded again.';

CREATE VIEW report.model_usage WITH (security_barrier) AS
SELECT s.account_id, s.day, s.provider, s.model, count(*) AS tasks, count(*) FILTER (WHERE s.answer) AS answers, sum(s.model_calls)::bigint AS model_calls,
       sum(s.input_tokens)::bigint AS input_tokens, sum(s.cached_tokens)::bigint AS cached_tokens, sum(s.output_tokens)::bigint AS output_tokens, sum(s.cost_usd) AS cost_usd,
       sum(s.input_tokens + s.output_tokens)::double precision / nullif(count(*) FILTER (WHERE s.answer), 0) AS tokens_per_answer,
       sum(s.cost_usd) / nullif(count(*) FILTER (WHERE s.answer), 0) AS cost_per_answer_usd
FROM (SELECT p.account_id, (p.hour AT TIME ZONE 'UTC')::date AS day, p.provider, p.model, p.status = 'completed' AND p.answered IS NOT FALSE AS answer,
             p.model_calls, p.input_tokens, p.cached_tokens, p.output_tokens, p.cost_usd
      FROM present_task_summaries p WHERE p.provider IS NOT NULL) s
WHERE s.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user)
GROUP BY s.account_id, s.day, s.provider, s.model;
COMMENT ON VIEW report.model_usage IS 'One row for each account, day of submission, provider and model: tokens and dollars, in total and for each answer. Only tasks that have ended count.';
COMMENT ON COLUMN report.model_usage.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.model_usage.day IS 'The day on which the task was submitted, in UTC.';
COMMENT ON COLUMN report.model_usage.provider IS 'The provider; reader: the built-in reader, which uses no model.';
COMMENT ON COLUMN report.model_usage.model IS 'The model. Empty for the reader.';
COMMENT ON COLUMN report.model_usage.tasks IS 'Tasks that began with this model.';
COMMENT ON COLUMN report.model_usage.answers IS 'Of tasks, those whose answer answers the question.';
COMMENT ON COLUMN report.model_usage.model_calls IS 'Calls of the model.';
COMMENT ON COLUMN report.model_usage.input_tokens IS 'Tokens that were sent.';
COMMENT ON COLUMN report.model_usage.cached_tokens IS 'Of input_tokens, those from the provider''s cache.';
COMMENT ON COLUMN report.model_usage.output_tokens IS 'Tokens that the model wrote.';
COMMENT ON COLUMN report.model_usage.cost_usd IS 'US dollars. NULL: no call had a price.';
COMMENT ON COLUMN report.model_usage.tokens_per_answer IS 'All tokens divided by answers: what failed is paid for by what succeeded. NULL: no answers.';
COMMENT ON COLUMN report.model_usage.cost_per_answer_usd IS 'Dollars divided by answers. NULL: no answers, or no price.';

CREATE VIEW report.spending WITH (security_barrier) AS
SELECT u.account_id, (u.starts_at AT TIME ZONE 'UTC')::date AS month, nullif(u.key_id, '') AS key_id, k.name AS key_name, sum(u.pages)::bigint AS pages, sum(u.tokens)::bigint AS tokens,
       sum(u.microdollars) / 1000000 AS cost_usd
FROM (SELECT c.account_id, c.starts_at, c.key_id, c.pages, c.tokens, c.microdollars FROM usage_counters c WHERE c.period = 'month'
      UNION ALL
      SELECT e.account_id, e.month, '', e.pages, e.tokens, e.microdollars FROM usage_entries e
      UNION ALL
      SELECT e.account_id, e.month, e.key_id, e.pages, e.tokens, e.microdollars FROM usage_entries e WHERE e.key_id <> '') u
     LEFT JOIN api_keys k ON k.id = u.key_id
WHERE u.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user)
GROUP BY u.account_id, u.starts_at, u.key_id, k.name;
COMMENT ON VIEW report.spending IS 'One row for each account, month and API key: what the limits count. It outlives the tasks: a deleted task gives nothing back.';
COMMENT ON COLUMN report.spending.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.spending.month IS 'The first day of the month, in UTC. What a run uses counts in the month in which the run ends.';
COMMENT ON COLUMN report.spending.key_id IS 'The API key. NULL: the whole account, which includes its keys.';
COMMENT ON COLUMN report.spending.key_name IS 'Its name. NULL: the whole account, or the key was removed.';
COMMENT ON COLUMN report.spending.pages IS 'Pages opened.';
COMMENT ON COLUMN report.spending.tokens IS 'Tokens sent and written.';
COMMENT ON COLUMN report.spending.cost_usd IS 'US dollars for models, in steps of a millionth.';

CREATE VIEW report.failures WITH (security_barrier) AS
SELECT f.account_id, f.day, f.subject, f.class, f.code, sum(f.failures)::bigint AS failures
FROM (SELECT s.account_id, (s.hour AT TIME ZONE 'UTC')::date AS day, 'task' AS subject, CASE s.error_code WHEN 'cancelled' THEN 'user' WHEN 'timeout' THEN 'limit' WHEN 'budget_exhausted' THEN 'limit' WHEN 'rate_limited' THEN 'limit'
                              WHEN 'no_sources' THEN 'web' WHEN 'seed_refused' THEN 'web' WHEN 'model_failed' THEN 'model'
                              WHEN 'worker_lost' THEN 'system' WHEN 'internal' THEN 'system' WHEN 'shutting_down' THEN 'system' ELSE 'other' END AS class, s.error_code AS code, 1 AS failures
      FROM present_task_summaries s WHERE s.error_code IS NOT NULL
      UNION ALL
      SELECT v.account_id, (v.hour AT TIME ZONE 'UTC')::date, 'page', CASE v.outcome WHEN 'not_found' THEN 'gone' WHEN 'forbidden' THEN 'refused' WHEN 'rate_limited' THEN 'refused' WHEN 'blocked' THEN 'refused' WHEN 'robots' THEN 'refused'
                           WHEN 'policy' THEN 'limit' WHEN 'refused_network' THEN 'limit' WHEN 'bad_url' THEN 'limit' WHEN 'too_large' THEN 'limit' WHEN 'redirects' THEN 'limit'
                           WHEN 'server_error' THEN 'site' WHEN 'http_error' THEN 'site' WHEN 'dns' THEN 'site' WHEN 'connection' THEN 'site' WHEN 'tls' THEN 'site' WHEN 'timeout' THEN 'site'
                           WHEN 'unreadable_type' THEN 'content' WHEN 'empty' THEN 'content' ELSE 'other' END, v.outcome, v.visits
      FROM present_visit_hours v WHERE v.outcome <> 'ok') f
WHERE f.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user)
GROUP BY f.account_id, f.day, f.subject, f.class, f.code;
COMMENT ON VIEW report.failures IS 'One row for each account, day of submission and reason: tasks that ended without an answer, and pages that could not be read. Only tasks that have ended count.';
COMMENT ON COLUMN report.failures.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.failures.day IS 'The day on which the task was submitted, in UTC.';
COMMENT ON COLUMN report.failures.subject IS 'task or page.';
COMMENT ON COLUMN report.failures.class IS 'Of tasks: user (cancelled), limit (of time, money or rate), web (nothing could be read), model, system (legwork or its database). Of pages: gone, refused (by the site), limit (by legwork''s rules), site (it does not work), content (no text). other: a code that this version does not know.';
COMMENT ON COLUMN report.failures.code IS 'The code: of tasks report.tasks.error_code, of pages report.visits.outcome.';
COMMENT ON COLUMN report.failures.failures IS 'How many.';

CREATE VIEW report.latency WITH (security_barrier) AS
SELECT p.account_id, p.day, p.tasks, p.queue[1] AS queue_p50_seconds, p.queue[2] AS queue_p90_seconds, p.queue[3] AS queue_p99_seconds,
       p.first_event[1] AS first_event_p50_seconds, p.first_event[2] AS first_event_p90_seconds, p.first_event[3] AS first_event_p99_seconds,
       p.running[1] AS run_p50_seconds, p.running[2] AS run_p90_seconds, p.running[3] AS run_p99_seconds
FROM (SELECT s.account_id, s.day, count(*) AS tasks, percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY s.queue_seconds) AS queue,
             percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY s.first_event_seconds) AS first_event,
             percentile_cont(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY s.running_seconds) AS running
      FROM (SELECT t.account_id, (t.hour AT TIME ZONE 'UTC')::date AS day, t.queue_seconds, t.first_event_seconds, CASE WHEN t.runs > 0 THEN t.running_seconds END AS running_seconds
            FROM present_task_summaries t) s
      WHERE s.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user)
      GROUP BY s.account_id, s.day) p;
COMMENT ON VIEW report.latency IS 'One row for each account and day of submission: percentiles of how long tasks waited and ran. Only tasks that have ended count.';
COMMENT ON COLUMN report.latency.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.latency.day IS 'The day of submission, in UTC.';
COMMENT ON COLUMN report.latency.tasks IS 'Tasks that have ended.';
COMMENT ON COLUMN report.latency.queue_p50_seconds IS 'Seconds from submission to the first run: half of the tasks took at most this. NULL: no task has begun.';
COMMENT ON COLUMN report.latency.queue_p90_seconds IS 'Seconds from submission to the first run: nine of ten tasks took at most this. NULL: no task has begun.';
COMMENT ON COLUMN report.latency.queue_p99_seconds IS 'Seconds from submission to the first run: 99 of 100 tasks took at most this. NULL: no task has begun.';
COMMENT ON COLUMN report.latency.first_event_p50_seconds IS 'Seconds from submission to the first call of a tool: half of the tasks took at most this. NULL: there was none.';
COMMENT ON COLUMN report.latency.first_event_p90_seconds IS 'Seconds from submission to the first call of a tool: nine of ten tasks took at most this. NULL: there was none.';
COMMENT ON COLUMN report.latency.first_event_p99_seconds IS 'Seconds from submission to the first call of a tool: 99 of 100 tasks took at most this. NULL: there was none.';
COMMENT ON COLUMN report.latency.run_p50_seconds IS 'Seconds that the runs of a task took together: half of the tasks took at most this. NULL: no task has begun.';
COMMENT ON COLUMN report.latency.run_p90_seconds IS 'Seconds that the runs of a task took together: nine of ten tasks took at most this. NULL: no task has begun.';
COMMENT ON COLUMN report.latency.run_p99_seconds IS 'Seconds that the runs of a task took together: 99 of 100 tasks took at most this. NULL: no task has begun.';

CREATE VIEW report.trees WITH (security_barrier) AS
SELECT coalesce(n.parent_id, n.task_id) AS tree_id, n.task_id, t.account_id, t.created_at AS submitted_at, n.depth, n.parent_id AS parent_task_id, n.number, n.round, t.status, t.waiting_for,
       n.pages AS share_pages, n.seconds AS share_seconds, n.tokens AS share_tokens, n.microdollars::numeric / 1000000 AS share_usd, u.pages, u.running_seconds::double precision AS running_seconds,
       u.input_tokens + u.output_tokens AS tokens, u.cost_usd
FROM tree_nodes n JOIN tasks t ON t.id = n.task_id
     LEFT JOIN LATERAL (SELECT * FROM task_usage u WHERE u.task_id = n.task_id) u ON true
WHERE t.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report.trees IS 'One row for each task of a tree: a deep task that has a plan (depth 1), and the tasks for its sub-questions (depth 2).';
COMMENT ON COLUMN report.trees.tree_id IS 'The deep task at the top. Foreign key: report.tasks.task_id.';
COMMENT ON COLUMN report.trees.task_id IS 'The task. Primary key, and foreign key: report.tasks.task_id.';
COMMENT ON COLUMN report.trees.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.trees.submitted_at IS 'When the task was submitted. Filter by this column: it has an index.';
COMMENT ON COLUMN report.trees.depth IS '1: the deep task. 2: a task for one of its sub-questions.';
COMMENT ON COLUMN report.trees.parent_task_id IS 'The deep task above. Foreign key: report.tasks.task_id. NULL at depth 1.';
COMMENT ON COLUMN report.trees.number IS 'The number of the sub-question. NULL at depth 1.';
COMMENT ON COLUMN report.trees.round IS '1: from the first plan. 2: for what was missing then. NULL at depth 1.';
COMMENT ON COLUMN report.trees.status IS 'As in report.tasks.';
COMMENT ON COLUMN report.trees.waiting_for IS 'What a queued task waits for: plan, children or turn. NULL: nothing of these.';
COMMENT ON COLUMN report.trees.share_pages IS 'Pages that it may open; of a deep task: all of its tree. When a task at depth 2 ends, its share becomes what it used.';
COMMENT ON COLUMN report.trees.share_seconds IS 'Seconds that it may run, in the same way.';
COMMENT ON COLUMN report.trees.share_tokens IS 'Tokens, in the same way. NULL: any number.';
COMMENT ON COLUMN report.trees.share_usd IS 'US dollars, in the same way. NULL: any amount.';
COMMENT ON COLUMN report.trees.pages IS 'Pages that it opened itself.';
COMMENT ON COLUMN report.trees.running_seconds IS 'Seconds that its own runs took.';
COMMENT ON COLUMN report.trees.tokens IS 'Tokens that it used itself.';
COMMENT ON COLUMN report.trees.cost_usd IS 'US dollars that it cost itself. NULL: no price.';

CREATE VIEW report.unverifiable WITH (security_barrier) AS
SELECT e.task_id, t.account_id, e.marker, e.url, e.excerpt, encode(p.sha256, 'hex') AS page_id
FROM (SELECT s.task_id FROM task_summaries s WHERE s.unverifiable_citations > 0
      UNION SELECT c.task_id FROM report_changes c) u
     JOIN tasks t ON t.id = u.task_id JOIN evidence e ON e.task_id = t.id JOIN pages p ON p.id = e.page_id
WHERE e.marker IS NOT NULL AND e.excerpt IS DISTINCT FROM substr(p.content, e.start_offset + 1, e.end_offset - e.start_offset)
  AND t.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report.unverifiable IS 'Citations whose quote is not in their snapshot. There never are any: the database cuts the quote from the snapshot, and snapshots never change.';
COMMENT ON COLUMN report.unverifiable.task_id IS 'The task. Foreign key: report.tasks.task_id.';
COMMENT ON COLUMN report.unverifiable.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.unverifiable.marker IS 'The number of the quote in the answer. Foreign key, together with task_id: report.citations.';
COMMENT ON COLUMN report.unverifiable.url IS 'The address of the page.';
COMMENT ON COLUMN report.unverifiable.excerpt IS 'The quote.';
COMMENT ON COLUMN report.unverifiable.page_id IS 'The snapshot.';

CREATE VIEW report.audit WITH (security_barrier) AS
SELECT a.id AS entry_id, a.at AS happened_at, a.account_id, a.actor_kind, a.actor_id, a.action, a.target, a.details
FROM audit_log a WHERE a.account_id IN (SELECT r.account_id FROM report_readers r WHERE r.role_name = current_user);
COMMENT ON VIEW report.audit IS 'One row for each change of users, roles, credentials and data, without addresses of clients.';
COMMENT ON COLUMN report.audit.entry_id IS 'The entry. Primary key.';
COMMENT ON COLUMN report.audit.happened_at IS 'When it happened.';
COMMENT ON COLUMN report.audit.account_id IS 'The account. Foreign key: report.accounts.account_id.';
COMMENT ON COLUMN report.audit.actor_kind IS 'What kind of actor did it.';
COMMENT ON COLUMN report.audit.actor_id IS 'Who did it. Empty: the kind says it all.';
COMMENT ON COLUMN report.audit.action IS 'What was done.';
COMMENT ON COLUMN report.audit.target IS 'To whom or what.';
COMMENT ON COLUMN report.audit.details IS 'More about it, as an object.';

COMMENT ON VIEW report_tasks IS 'The first form of report.tasks. It stays as it is; use report.tasks.';
COMMENT ON VIEW report_visits IS 'The first form of report.visits. It stays as it is; use report.visits.';
COMMENT ON VIEW report_audit IS 'The first form of report.audit. It stays as it is; use report.audit.';
-- +goose StatementEnd
