-- Summaries of ended tasks, from which the views of the schema report get their sums. A periodic job keeps them. A change of an
-- ended task adds a row to report_changes in its own transaction. While a task or an hour is in that table, its summary does
-- not count, and the views compute it from the rows themselves. So the views are exact at any moment, and the job only makes them fast.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE report_changes (
    account_id text        NOT NULL,
    hour       timestamptz NOT NULL,
    task_id    uuid        NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 1000);
CREATE INDEX report_changes_by_hour ON report_changes (account_id, hour);
CREATE INDEX report_changes_by_task ON report_changes (task_id);
COMMENT ON TABLE report_changes IS 'Ended tasks that have changed since they were summarised, or were not summarised yet. A task may be here several times. Nothing but summarise_reports removes rows.';
COMMENT ON COLUMN report_changes.hour IS 'The hour in which the task was submitted, in UTC. It never changes.';

CREATE TABLE task_summaries (
    task_id                uuid             PRIMARY KEY,
    account_id             text             NOT NULL,
    hour                   timestamptz      NOT NULL,
    status                 text             NOT NULL,
    answered               boolean,
    error_code             text,
    provider               text,
    model                  text,
    queue_seconds          double precision,
    first_event_seconds    double precision,
    duration_seconds       double precision,
    running_seconds        double precision NOT NULL,
    runs                   bigint           NOT NULL,
    pages                  bigint           NOT NULL,
    failed_pages           bigint           NOT NULL,
    tool_calls             bigint           NOT NULL,
    failed_tool_calls      bigint           NOT NULL,
    model_calls            bigint           NOT NULL,
    input_tokens           bigint           NOT NULL,
    cached_tokens          bigint           NOT NULL,
    output_tokens          bigint           NOT NULL,
    cost_usd               numeric,
    citations              bigint           NOT NULL,
    unverifiable_citations bigint           NOT NULL
);
CREATE INDEX task_summaries_by_hour ON task_summaries (account_id, hour);
COMMENT ON TABLE task_summaries IS 'What each ended task was and used, as changed_task_summaries computes it. No foreign key: the row of a deleted task goes with the next summary, and no view shows it until then.';

CREATE TABLE tool_hours (
    account_id     text        NOT NULL,
    hour           timestamptz NOT NULL,
    tool           text        NOT NULL,
    calls          bigint      NOT NULL,
    failed_calls   bigint      NOT NULL,
    millis         bigint      NOT NULL,
    longest_millis bigint      NOT NULL,
    PRIMARY KEY (account_id, hour, tool)
);
COMMENT ON TABLE tool_hours IS 'Calls of tools by the ended tasks that were submitted in an hour.';

CREATE TABLE visit_hours (
    account_id    text        NOT NULL,
    hour          timestamptz NOT NULL,
    domain        text        NOT NULL,
    outcome       text        NOT NULL,
    visits        bigint      NOT NULL,
    cached_visits bigint      NOT NULL,
    bytes         bigint      NOT NULL,
    millis        bigint      NOT NULL,
    PRIMARY KEY (account_id, hour, domain, outcome)
);
COMMENT ON TABLE visit_hours IS 'Pages that were opened by the ended tasks that were submitted in an hour.';

CREATE TABLE citation_hours (
    account_id text        NOT NULL,
    hour       timestamptz NOT NULL,
    domain     text        NOT NULL,
    support    text        NOT NULL,
    citations  bigint      NOT NULL,
    PRIMARY KEY (account_id, hour, domain, support)
);
COMMENT ON TABLE citation_hours IS 'Citations of the ended tasks that were submitted in an hour.';

CREATE TABLE domain_days (
    account_id    text   NOT NULL,
    day           date   NOT NULL,
    domain        text   NOT NULL,
    visits        bigint NOT NULL,
    failed_visits bigint NOT NULL,
    cached_visits bigint NOT NULL,
    bytes         bigint NOT NULL,
    millis        bigint NOT NULL,
    citations     bigint NOT NULL,
    supported     bigint NOT NULL,
    partial       bigint NOT NULL,
    unsupported   bigint NOT NULL,
    unchecked     bigint NOT NULL,
    PRIMARY KEY (account_id, day, domain)
);
COMMENT ON TABLE domain_days IS 'The sums of visit_hours and citation_hours by day, in UTC. There are many hosts, and most have few pages in an hour.';

CREATE FUNCTION url_host(url text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN lower(coalesce(substring(url FROM '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(\[[^]]*\]|[^/?#:]*)'), ''));
COMMENT ON FUNCTION url_host IS 'The host of an address, without port; empty if it has none.';

-- One definition of each summary: the views compute the changed part with it, and summarise_reports stores its rows.
-- LATERAL makes PostgreSQL read only the tasks in question, whatever it thinks of the size of report_changes.
CREATE VIEW changed_task_summaries AS
SELECT f.* FROM (SELECT DISTINCT c.task_id FROM report_changes c) d CROSS JOIN LATERAL (
    SELECT t.id AS task_id, t.account_id, date_trunc('hour', t.created_at, 'UTC') AS hour, t.status, t.answered, t.error_code, t.provider, t.model,
           extract(epoch FROM t.started_at - t.created_at)::double precision AS queue_seconds,
           (SELECT extract(epoch FROM min(e.created_at) - t.created_at)::double precision
            FROM task_events e WHERE e.task_id = t.id AND e.type = 'agent:tool_call') AS first_event_seconds,
           extract(epoch FROM t.completed_at - t.started_at)::double precision AS duration_seconds,
           r.running_seconds, r.runs, v.pages, v.failed_pages, s.tool_calls, s.failed_tool_calls, s.model_calls, s.input_tokens, s.cached_tokens,
           s.output_tokens, s.cost_usd, q.citations, q.unverifiable_citations
    FROM tasks t,
         LATERAL (SELECT coalesce(sum(extract(epoch FROM coalesce(r.ended_at, r.seen_at) - r.claimed_at)), 0)::double precision AS running_seconds, count(*) AS runs
                  FROM runs r WHERE r.task_id = t.id) r,
         LATERAL (SELECT count(*) AS pages, count(*) FILTER (WHERE v.outcome <> 'ok') AS failed_pages
                  FROM visits v WHERE v.task_id = t.id AND NOT v.inherited) v,
         LATERAL (SELECT count(*) FILTER (WHERE s.kind = 'tool') AS tool_calls, count(*) FILTER (WHERE s.kind = 'tool' AND NOT s.success) AS failed_tool_calls,
                         count(*) FILTER (WHERE s.kind = 'model') AS model_calls, coalesce(sum(s.input_tokens), 0)::bigint AS input_tokens,
                         coalesce(sum(s.cached_tokens), 0)::bigint AS cached_tokens, coalesce(sum(s.output_tokens), 0)::bigint AS output_tokens,
                         sum(s.cost_usd) AS cost_usd
                  FROM steps s WHERE s.task_id = t.id) s,
         LATERAL (SELECT count(*) AS citations,
                         count(*) FILTER (WHERE e.excerpt IS DISTINCT FROM substr(p.content, e.start_offset + 1, e.end_offset - e.start_offset)) AS unverifiable_citations
                  FROM evidence e JOIN pages p ON p.id = e.page_id WHERE e.task_id = t.id AND e.marker IS NOT NULL) q
    WHERE t.id = d.task_id AND t.completed_at IS NOT NULL) f;
COMMENT ON VIEW changed_task_summaries IS 'The rows that task_summaries should have for the tasks in report_changes.';

CREATE VIEW changed_hours AS SELECT DISTINCT c.account_id, c.hour FROM report_changes c;
COMMENT ON VIEW changed_hours IS 'The hours whose summaries do not count at present.';

CREATE VIEW changed_tool_hours AS
SELECT d.account_id, d.hour, f.* FROM changed_hours d CROSS JOIN LATERAL (
    SELECT s.tool, count(*) AS calls, count(*) FILTER (WHERE NOT s.success) AS failed_calls, sum(s.millis) AS millis, max(s.millis)::bigint AS longest_millis
    FROM tasks t JOIN steps s ON s.task_id = t.id
    WHERE t.account_id = d.account_id AND t.created_at >= d.hour AND t.created_at < d.hour + interval '1 hour' AND t.completed_at IS NOT NULL AND s.kind = 'tool'
    GROUP BY s.tool) f;
COMMENT ON VIEW changed_tool_hours IS 'The rows that tool_hours should have for changed_hours.';

CREATE VIEW changed_visit_hours AS
SELECT d.account_id, d.hour, f.* FROM changed_hours d CROSS JOIN LATERAL (
    SELECT url_host(v.final_url) AS domain, v.outcome, count(*) AS visits, count(*) FILTER (WHERE v.cached) AS cached_visits,
           sum(v.bytes)::bigint AS bytes, sum(v.millis) AS millis
    FROM tasks t JOIN visits v ON v.task_id = t.id
    WHERE t.account_id = d.account_id AND t.created_at >= d.hour AND t.created_at < d.hour + interval '1 hour' AND t.completed_at IS NOT NULL AND NOT v.inherited
    GROUP BY 1, 2) f;
COMMENT ON VIEW changed_visit_hours IS 'The rows that visit_hours should have for changed_hours.';

CREATE VIEW changed_citation_hours AS
SELECT d.account_id, d.hour, f.* FROM changed_hours d CROSS JOIN LATERAL (
    SELECT url_host(e.url) AS domain, e.support, count(*) AS citations
    FROM tasks t JOIN evidence e ON e.task_id = t.id
    WHERE t.account_id = d.account_id AND t.created_at >= d.hour AND t.created_at < d.hour + interval '1 hour' AND t.completed_at IS NOT NULL AND e.marker IS NOT NULL
    GROUP BY 1, 2) f;
COMMENT ON VIEW changed_citation_hours IS 'The rows that citation_hours should have for changed_hours.';

-- The summaries as they are at this moment.
CREATE VIEW present_task_summaries AS
SELECT s.* FROM task_summaries s WHERE NOT EXISTS (SELECT 1 FROM report_changes c WHERE c.task_id = s.task_id)
UNION ALL SELECT * FROM changed_task_summaries;
CREATE VIEW present_tool_hours AS
SELECT h.* FROM tool_hours h WHERE NOT EXISTS (SELECT 1 FROM report_changes c WHERE c.account_id = h.account_id AND c.hour = h.hour)
UNION ALL SELECT * FROM changed_tool_hours;
CREATE VIEW present_visit_hours AS
SELECT h.* FROM visit_hours h WHERE NOT EXISTS (SELECT 1 FROM report_changes c WHERE c.account_id = h.account_id AND c.hour = h.hour)
UNION ALL SELECT * FROM changed_visit_hours;
CREATE VIEW present_citation_hours AS
SELECT h.* FROM citation_hours h WHERE NOT EXISTS (SELECT 1 FROM report_changes c WHERE c.account_id = h.account_id AND c.hour = h.hour)
UNION ALL SELECT * FROM changed_citation_hours;
COMMENT ON VIEW present_task_summaries IS 'The summaries of all ended tasks as they are at this moment.';
COMMENT ON VIEW present_tool_hours IS 'The summaries of tools as they are at this moment.';
COMMENT ON VIEW present_visit_hours IS 'The summaries of opened pages as they are at this moment.';
COMMENT ON VIEW present_citation_hours IS 'The summaries of citations as they are at this moment.';

CREATE VIEW changed_days AS SELECT DISTINCT c.account_id, (c.hour AT TIME ZONE 'UTC')::date AS day FROM report_changes c;
COMMENT ON VIEW changed_days IS 'The days that have changed_hours.';
CREATE VIEW changed_domain_days AS
SELECT d.account_id, d.day, f.* FROM changed_days d CROSS JOIN LATERAL (
    SELECT h.domain, sum(h.visits)::bigint AS visits, sum(h.failed_visits)::bigint AS failed_visits, sum(h.cached_visits)::bigint AS cached_visits, sum(h.bytes)::bigint AS bytes,
           sum(h.millis)::bigint AS millis, sum(h.citations)::bigint AS citations, sum(h.supported)::bigint AS supported, sum(h.partial)::bigint AS partial,
           sum(h.unsupported)::bigint AS unsupported, sum(h.unchecked)::bigint AS unchecked
    FROM (SELECT v.domain, v.visits, CASE v.outcome WHEN 'ok' THEN 0 ELSE v.visits END AS failed_visits, v.cached_visits, v.bytes, v.millis,
                 0 AS citations, 0 AS supported, 0 AS partial, 0 AS unsupported, 0 AS unchecked
          FROM present_visit_hours v
          WHERE v.account_id = d.account_id AND v.hour >= d.day::timestamp AT TIME ZONE 'UTC' AND v.hour < (d.day + 1)::timestamp AT TIME ZONE 'UTC'
          UNION ALL
          SELECT c.domain, 0, 0, 0, 0, 0, c.citations, CASE c.support WHEN 'supported' THEN c.citations ELSE 0 END, CASE c.support WHEN 'partial' THEN c.citations ELSE 0 END,
                 CASE c.support WHEN 'unsupported' THEN c.citations ELSE 0 END, CASE c.support WHEN 'unchecked' THEN c.citations ELSE 0 END
          FROM present_citation_hours c
          WHERE c.account_id = d.account_id AND c.hour >= d.day::timestamp AT TIME ZONE 'UTC' AND c.hour < (d.day + 1)::timestamp AT TIME ZONE 'UTC') h
    GROUP BY h.domain) f;
COMMENT ON VIEW changed_domain_days IS 'The rows that domain_days should have for changed_days.';
CREATE VIEW present_domain_days AS
SELECT h.* FROM domain_days h WHERE NOT EXISTS (SELECT 1 FROM changed_days c WHERE c.account_id = h.account_id AND c.day = h.day)
UNION ALL SELECT * FROM changed_domain_days;
COMMENT ON VIEW present_domain_days IS 'The summaries of hosts as they are at this moment.';

CREATE FUNCTION summarise_reports(most_tasks integer) RETURNS integer
    LANGUAGE plpgsql AS $$
DECLARE
    accounts text[];
    hours    timestamptz[];
    ids      uuid[];
BEGIN
    IF current_setting('transaction_isolation') <> 'repeatable read' THEN
        RAISE EXCEPTION 'summarise_reports needs one snapshot: use REPEATABLE READ';
    END IF;
    IF NOT pg_try_advisory_xact_lock(hashtext('legwork summaries')) THEN
        RETURN 0; -- another process does it
    END IF;
    SELECT array_agg(n.account_id), array_agg(n.hour) INTO accounts, hours
    FROM (SELECT DISTINCT l.account_id, l.hour
          FROM (SELECT c.account_id, c.hour FROM report_changes c ORDER BY c.account_id, c.hour LIMIT most_tasks) l) n;
    SELECT array_agg(DISTINCT c.task_id) INTO ids
    FROM unnest(accounts, hours) AS n (account_id, hour) JOIN report_changes c ON c.account_id = n.account_id AND c.hour = n.hour;
    IF ids IS NULL THEN
        RETURN 0;
    END IF;
    DELETE FROM task_summaries s WHERE s.task_id = ANY (ids);
    INSERT INTO task_summaries SELECT * FROM changed_task_summaries c WHERE c.task_id = ANY (ids);
    DELETE FROM tool_hours h USING unnest(accounts, hours) AS n (account_id, hour) WHERE h.account_id = n.account_id AND h.hour = n.hour;
    INSERT INTO tool_hours SELECT c.* FROM changed_tool_hours c JOIN unnest(accounts, hours) AS n (account_id, hour) ON c.account_id = n.account_id AND c.hour = n.hour;
    DELETE FROM visit_hours h USING unnest(accounts, hours) AS n (account_id, hour) WHERE h.account_id = n.account_id AND h.hour = n.hour;
    INSERT INTO visit_hours SELECT c.* FROM changed_visit_hours c JOIN unnest(accounts, hours) AS n (account_id, hour) ON c.account_id = n.account_id AND c.hour = n.hour;
    DELETE FROM citation_hours h USING unnest(accounts, hours) AS n (account_id, hour) WHERE h.account_id = n.account_id AND h.hour = n.hour;
    INSERT INTO citation_hours SELECT c.* FROM changed_citation_hours c JOIN unnest(accounts, hours) AS n (account_id, hour) ON c.account_id = n.account_id AND c.hour = n.hour;
    DELETE FROM domain_days h USING unnest(accounts, hours) AS n (account_id, hour) WHERE h.account_id = n.account_id AND h.day = (n.hour AT TIME ZONE 'UTC')::date;
    INSERT INTO domain_days SELECT c.* FROM changed_domain_days c
    WHERE (c.account_id, c.day) IN (SELECT n.account_id, (n.hour AT TIME ZONE 'UTC')::date FROM unnest(accounts, hours) AS n (account_id, hour));
    DELETE FROM report_changes c USING unnest(accounts, hours) AS n (account_id, hour) WHERE c.account_id = n.account_id AND c.hour = n.hour;
    RETURN cardinality(ids);
END $$;
COMMENT ON FUNCTION summarise_reports IS 'Brings the summaries of some changed hours up to date, and returns the number of their changed tasks; 0: nothing has changed, or another process does it. All statements see one snapshot, so a change that is not yet visible keeps its row in report_changes. The hours of about most_tasks changes are done, at least one.';

CREATE FUNCTION note_changed_task() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    t tasks := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    INSERT INTO report_changes (account_id, hour, task_id) VALUES (t.account_id, date_trunc('hour', t.created_at, 'UTC'), t.id);
    RETURN NULL;
END $$;
CREATE TRIGGER report_task_inserted AFTER INSERT ON tasks FOR EACH ROW WHEN (NEW.completed_at IS NOT NULL) EXECUTE FUNCTION note_changed_task();
CREATE TRIGGER report_task_changed AFTER UPDATE OF status, answered, error_code, provider, model, started_at, completed_at ON tasks
    FOR EACH ROW WHEN (NEW.completed_at IS NOT NULL) EXECUTE FUNCTION note_changed_task();
CREATE TRIGGER report_task_deleted AFTER DELETE ON tasks FOR EACH ROW WHEN (OLD.completed_at IS NOT NULL) EXECUTE FUNCTION note_changed_task();

-- Rows of ended tasks are not changed by the program. An operator may: a price, a verdict.
CREATE FUNCTION note_changed_rows() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO report_changes (account_id, hour, task_id)
    SELECT DISTINCT t.account_id, date_trunc('hour', t.created_at, 'UTC'), t.id
    FROM changed c JOIN tasks t ON t.id = c.task_id WHERE t.completed_at IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER report_steps_changed AFTER UPDATE ON steps REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_rows();
CREATE TRIGGER report_visits_changed AFTER UPDATE ON visits REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION note_changed_rows();
-- A marker is given once, by the transaction that ends the task. What changes later is the rest of the row.
CREATE FUNCTION note_changed_citation() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO report_changes (account_id, hour, task_id)
    SELECT t.account_id, date_trunc('hour', t.created_at, 'UTC'), t.id FROM tasks t WHERE t.id = NEW.task_id AND t.completed_at IS NOT NULL;
    RETURN NULL;
END $$;
CREATE TRIGGER report_evidence_changed AFTER UPDATE OF marker, url, excerpt, start_offset, end_offset, page_id, support ON evidence
    FOR EACH ROW WHEN (OLD.marker IS NOT NULL) EXECUTE FUNCTION note_changed_citation();

INSERT INTO report_changes (account_id, hour, task_id)
SELECT t.account_id, date_trunc('hour', t.created_at, 'UTC'), t.id FROM tasks t WHERE t.completed_at IS NOT NULL;
-- +goose StatementEnd
