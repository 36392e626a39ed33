-- Less space, and growth with a bound. Pages have a number as their key; the SHA-256 of their text, which is their id in the
-- API, is stored once, in 32 bytes. A passage, a visit and a piece of evidence refer to the number. A step whose result
-- repeats the links of its visit refers to the visit instead. What is granted to a domain is a row that goes when its
-- window has passed. Money is numeric. Columns that nothing reads are gone.

-- +goose Up
-- +goose StatementBegin
SET LOCAL maintenance_work_mem = '256MB';
SET LOCAL work_mem = '64MB';

-- Pages: one rewrite of the table gives the number and shortens the hash.
ALTER TABLE passages DROP CONSTRAINT passages_page_id_fkey;
ALTER TABLE visits DROP CONSTRAINT visits_page_id_fkey;
ALTER TABLE evidence DROP CONSTRAINT evidence_page_id_fkey;
ALTER TABLE pages DROP CONSTRAINT pages_pkey, DROP CONSTRAINT pages_id_check;
ALTER TABLE pages RENAME COLUMN id TO sha256;
ALTER TABLE pages
    ALTER COLUMN sha256 TYPE bytea USING decode(sha256, 'hex'),
    ADD COLUMN id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    DROP COLUMN created_at;
ALTER TABLE pages ADD PRIMARY KEY (id), ADD UNIQUE (sha256), ADD CHECK (length(sha256) = 32);
COMMENT ON TABLE pages IS 'Snapshots: extracted text, stored once per content and never changed.';
COMMENT ON COLUMN pages.sha256 IS 'Of the content in UTF-8; in hex it is the id of the page in the API.';

-- Passages are written anew in the order of their pages, so that those of one page are read together.
ALTER TABLE passages RENAME TO old_passages;
ALTER INDEX passages_tsv RENAME TO old_passages_tsv;
ALTER TABLE old_passages DROP CONSTRAINT passages_pkey;
CREATE TABLE passages (
    page_id      bigint   NOT NULL,
    ord          integer  NOT NULL CHECK (ord >= 0),
    start_offset integer  NOT NULL CHECK (start_offset >= 0),
    end_offset   integer  NOT NULL,
    heading      text     NOT NULL,
    tsv          tsvector NOT NULL,
    CHECK (end_offset > start_offset AND end_offset - start_offset <= 400)
);
INSERT INTO passages (page_id, ord, start_offset, end_offset, heading, tsv)
SELECT p.id, o.ord, o.start_offset, o.end_offset, o.heading, o.tsv
FROM old_passages o JOIN pages p ON p.sha256 = decode(o.page_id, 'hex')
ORDER BY p.id, o.ord;
DROP TABLE old_passages;
ALTER TABLE passages ADD PRIMARY KEY (page_id, ord), ADD FOREIGN KEY (page_id) REFERENCES pages ON DELETE CASCADE;
CREATE INDEX passages_tsv ON passages USING gin (tsv);
COMMENT ON TABLE passages IS 'Spans of a snapshot that can be cited, in code points, ranked by full-text search: A the title, B the headings, D the text.';

ALTER TABLE visits ADD COLUMN new_page_id bigint;
UPDATE visits v SET new_page_id = p.id FROM pages p WHERE p.sha256 = decode(v.page_id, 'hex');
ALTER TABLE visits DROP COLUMN page_id;
ALTER TABLE visits RENAME COLUMN new_page_id TO page_id;
ALTER TABLE visits
    ADD FOREIGN KEY (page_id) REFERENCES pages,
    ADD CHECK ((outcome = 'ok') = (page_id IS NOT NULL));
CREATE INDEX visits_by_page ON visits (page_id) WHERE page_id IS NOT NULL;
CREATE INDEX visits_by_account ON visits (account_id, page_id) WHERE page_id IS NOT NULL;
CREATE INDEX visits_by_url ON visits (account_id, md5(url), fetched_at DESC) WHERE page_id IS NOT NULL AND links IS NOT NULL;

ALTER TABLE evidence ADD COLUMN new_page_id bigint;
UPDATE evidence e SET new_page_id = p.id FROM pages p WHERE p.sha256 = decode(e.page_id, 'hex');
ALTER TABLE evidence DROP COLUMN page_id;
ALTER TABLE evidence RENAME COLUMN new_page_id TO page_id;
ALTER TABLE evidence ALTER COLUMN page_id SET NOT NULL, ADD FOREIGN KEY (page_id) REFERENCES pages;
CREATE INDEX evidence_by_page ON evidence (page_id);

-- Links once.
ALTER TABLE steps ADD COLUMN visit_id uuid;
COMMENT ON COLUMN steps.visit_id IS 'The visit that keeps the member links of the result, which is left out of it; NULL: the result is whole. Step and visit are written in one transaction and go with their task, so there is no foreign key.';

-- Money.
ALTER TABLE steps ALTER COLUMN cost_usd TYPE numeric USING cost_usd::numeric;

-- Grants of requests to domains.
CREATE TABLE domain_grants (
    domain     text        NOT NULL REFERENCES domains ON DELETE CASCADE,
    granted_at timestamptz NOT NULL,
    id         bigint      GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (domain, granted_at, id)
);
COMMENT ON TABLE domain_grants IS 'The moments at which a domain may be asked, those to come included. A row goes when no window can reach back to it any more.';
INSERT INTO domain_grants (domain, granted_at) SELECT d.domain, unnest(d.recent) FROM domains d;
ALTER TABLE domains DROP COLUMN recent;
CREATE INDEX domains_by_next ON domains (next_at);
COMMENT ON TABLE domains IS 'Politeness across processes: the state of each domain that was asked in the last day. next_at is the earliest moment that spacing and backing off allow.';

CREATE OR REPLACE FUNCTION lock_domain(wanted text) RETURNS domains
    LANGUAGE plpgsql AS $$
DECLARE
    d domains;
BEGIN
    LOOP -- the row may be removed between the insert and the lock
        SELECT * INTO d FROM domains WHERE domain = wanted FOR UPDATE;
        EXIT WHEN FOUND;
        INSERT INTO domains (domain, next_at) VALUES (wanted, clock_timestamp()) ON CONFLICT (domain) DO NOTHING;
    END LOOP;
    RETURN d;
END $$;
COMMENT ON FUNCTION lock_domain IS 'Locks the row of a domain, which it makes where there is none.';

CREATE OR REPLACE FUNCTION reserve_domain(wanted text, spacing_seconds float8, max_requests integer, window_seconds float8, most_seconds float8 DEFAULT 'infinity')
    RETURNS float8
    LANGUAGE plpgsql AS $$
DECLARE
    d        domains := lock_domain(wanted);
    width    interval := make_interval(secs => window_seconds);
    granted  timestamptz := greatest(clock_timestamp(), d.next_at);
    earliest timestamptz;
    wait     float8;
BEGIN
    -- The grant max_requests back must have left the window. Grants are made in order, so that this one is the limit.
    SELECT g.granted_at + width INTO earliest FROM domain_grants g
    WHERE g.domain = wanted ORDER BY g.granted_at DESC, g.id DESC OFFSET greatest(max_requests, 1) - 1 LIMIT 1;
    granted := greatest(granted, earliest);
    wait := greatest(0, extract(epoch FROM granted - clock_timestamp()));
    IF wait <= most_seconds THEN
        DELETE FROM domain_grants g WHERE g.domain = wanted AND g.granted_at <= granted - width;
        INSERT INTO domain_grants (domain, granted_at) VALUES (wanted, granted);
        UPDATE domains SET next_at = granted + make_interval(secs => spacing_seconds) WHERE domain = wanted;
    END IF;
    RETURN wait * 1000;
END $$;
COMMENT ON FUNCTION reserve_domain IS 'Books the next free moment for a request: spacing after the last one, never more than max_requests in any window. Returns milliseconds from now. A moment further off than most_seconds is told but not booked.';

CREATE OR REPLACE FUNCTION backoff_domain(wanted text, asked_seconds float8, base_seconds float8, most_seconds float8) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    d     domains := lock_domain(wanted);
    until timestamptz;
BEGIN
    IF clock_timestamp() >= d.quiet_until THEN
        d.strikes := d.strikes + 1;
    END IF;
    until := clock_timestamp() + make_interval(secs => CASE WHEN d.strikes > 1
        THEN greatest(asked_seconds, least(most_seconds, base_seconds * 2 ^ least(d.strikes - 1, 30)))
        ELSE asked_seconds END);
    UPDATE domains SET strikes = d.strikes, next_at = greatest(next_at, until), quiet_until = greatest(quiet_until, until)
    WHERE domain = wanted;
END $$;

-- What a task has used, and how it ended: one definition for the API, the pages and reports.
CREATE VIEW task_usage AS
SELECT h.task_id,
       (SELECT count(*) FROM visits v WHERE v.task_id = h.task_id AND NOT v.inherited) AS pages,
       s.tool_calls, s.model_calls, s.input_tokens, s.output_tokens, s.cost_usd,
       (SELECT coalesce(sum(extract(epoch FROM coalesce(r.ended_at, r.seen_at) - r.claimed_at)), 0)
        FROM runs r WHERE r.task_id = h.task_id) AS running_seconds
FROM task_heads h,
     LATERAL (SELECT count(*) FILTER (WHERE st.kind = 'tool') AS tool_calls,
                     count(*) FILTER (WHERE st.kind = 'model') AS model_calls,
                     coalesce(sum(st.input_tokens), 0)::bigint AS input_tokens,
                     coalesce(sum(st.output_tokens), 0)::bigint AS output_tokens,
                     sum(st.cost_usd) AS cost_usd
              FROM steps st WHERE st.task_id = h.task_id) s;
COMMENT ON VIEW task_usage IS 'What each task has used so far, by its journal and its runs.';
COMMENT ON COLUMN task_usage.pages IS 'Pages opened, good or bad; those that a follow-up took over from its parent do not count.';
COMMENT ON COLUMN task_usage.cost_usd IS 'US dollars for model replies whose model had a price; NULL: none had.';
COMMENT ON COLUMN task_usage.running_seconds IS 'Seconds that its runs took, from claim to end, or to the last write of a run that was lost.';

CREATE VIEW task_outcomes AS
SELECT t.id AS task_id, t.account_id, t.status, t.error_code, t.created_at, t.started_at, t.completed_at,
       extract(epoch FROM t.completed_at - t.started_at) AS duration_seconds, t.confidence, t.provider, t.model,
       (SELECT count(*) FROM evidence e WHERE e.task_id = t.id AND e.marker IS NOT NULL) AS citations
FROM tasks t;
COMMENT ON VIEW task_outcomes IS 'How each task ended, if it has.';
COMMENT ON COLUMN task_outcomes.duration_seconds IS 'From the first start to the end; NULL while either is missing.';
-- +goose StatementEnd
