-- The whole life of a task in one schema. Two rules explain most of it:
-- the narrow hot row of a task is its head (task_heads): whoever appends to a task locks that row first;
-- everything wide lives elsewhere and is written under that lock. Lock order: heads, tasks, River, pages by id.

-- +goose Up
-- +goose StatementBegin

CREATE TABLE accounts (
    id         text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE accounts IS 'Who owns tasks, visits and keys. One account, default, until access control lands.';
INSERT INTO accounts (id) VALUES ('default');

CREATE TABLE workers (
    id           uuid PRIMARY KEY,
    slots        integer     NOT NULL CHECK (slots >= 0),
    version      text        NOT NULL,
    host         text        NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);
COMMENT ON TABLE workers IS 'One row per live worker process; its lease is the age of heartbeat_at by the clock of this database.';

CREATE TABLE tasks (
    id                   uuid PRIMARY KEY,
    account_id           text        NOT NULL REFERENCES accounts,
    parent_task_id       uuid        REFERENCES tasks ON DELETE SET NULL,
    status               text        NOT NULL CHECK (status IN ('created','queued','running','completed','failed','cancelled')),
    priority             text        NOT NULL CHECK (priority IN ('low','normal','high')),
    question             text        NOT NULL CHECK (char_length(question) BETWEEN 1 AND 1000 AND question ~ '[^[:space:]]'),
    seed_url             text        CHECK (char_length(seed_url) BETWEEN 1 AND 2048),
    max_depth            integer     NOT NULL CHECK (max_depth BETWEEN 1 AND 5),
    max_pages            integer     NOT NULL CHECK (max_pages BETWEEN 1 AND 50),
    time_budget          integer     NOT NULL CHECK (time_budget > 0),
    search_engine        text        NOT NULL CHECK (search_engine IN ('duckduckgo','bing','google','custom','library')),
    max_results          integer     NOT NULL CHECK (max_results BETWEEN 1 AND 50),
    safe_mode            boolean     NOT NULL,
    same_domain_only     boolean     NOT NULL,
    allow_external_links boolean     NOT NULL,
    allow_domains        text[]      NOT NULL,
    deny_domains         text[]      NOT NULL,
    request_metadata     json        NOT NULL CHECK (json_typeof(request_metadata) = 'object'),
    created_at           timestamptz NOT NULL,
    started_at           timestamptz,
    completed_at         timestamptz,
    try                  integer     NOT NULL DEFAULT 1 CHECK (try >= 1),
    provider             text,
    model                text,
    prompt_version       text,
    answer               text,
    confidence           double precision CHECK (confidence BETWEEN 0 AND 1),
    error                text,
    error_code           text,
    metadata             json        NOT NULL DEFAULT '{}' CHECK (json_typeof(metadata) = 'object'),
    CHECK ((status IN ('completed','failed','cancelled')) = (completed_at IS NOT NULL)),
    CHECK ((status = 'completed') = (answer IS NOT NULL)),
    CHECK ((status IN ('failed','cancelled')) = (error IS NOT NULL)),
    CHECK ((error IS NULL) = (error_code IS NULL)),
    CHECK (completed_at >= started_at)
);
COMMENT ON TABLE tasks IS 'One question with its options and its outcome.';
COMMENT ON COLUMN tasks.time_budget IS 'Seconds of running after which research ends and the answer is written.';
COMMENT ON COLUMN tasks.request_metadata IS 'The caller''s own, returned as options.metadata.';
COMMENT ON COLUMN tasks.try IS '1 on the first run, one more after each transient failure; a hand-back costs none.';
COMMENT ON COLUMN tasks.provider IS 'With model and prompt_version: pinned at the first run, so that a resumed run continues what it began.';

-- Keyset paging of an account''s list, newest first, with and without a status.
CREATE INDEX tasks_by_account ON tasks (account_id, created_at DESC, id DESC);
CREATE INDEX tasks_by_account_status ON tasks (account_id, status, created_at DESC, id DESC);
-- Open tasks are few; finished ones many.
CREATE INDEX tasks_open ON tasks (status) WHERE status IN ('created','queued','running');
CREATE INDEX tasks_by_parent ON tasks (parent_task_id) WHERE parent_task_id IS NOT NULL;


CREATE FUNCTION task_document(question text, answer text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('simple', question || ' ' || left(coalesce(answer, ''), 20000));
COMMENT ON FUNCTION task_document IS 'What the filter q searches: the words of question and answer, unstemmed, so that any language works.';
CREATE INDEX tasks_document ON tasks USING gin (task_document(question, answer));

CREATE TABLE task_heads (
    task_id   uuid    PRIMARY KEY REFERENCES tasks ON DELETE CASCADE,
    run_epoch integer NOT NULL DEFAULT 1 CHECK (run_epoch >= 1),
    last_seq  bigint  NOT NULL DEFAULT 0 CHECK (last_seq >= 0),
    owner     uuid,
    job_id    bigint
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);
COMMENT ON TABLE task_heads IS 'The hot row of a task and its fence: every write of a run names run_epoch, every exit of a run bumps it.';
COMMENT ON COLUMN task_heads.owner IS 'The worker whose run has claimed the present epoch; no foreign key, because a dead worker''s row goes first.';
COMMENT ON COLUMN task_heads.job_id IS 'River''s job of the present epoch; no foreign key, because River''s cleaner deletes rows.';

CREATE TABLE runs (
    task_id    uuid        NOT NULL REFERENCES task_heads ON DELETE CASCADE,
    epoch      integer     NOT NULL,
    try        integer     NOT NULL,
    worker_id  uuid        NOT NULL,
    claimed_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    ended_at   timestamptz,
    outcome    text        CHECK (outcome IN ('completed','failed','cancelled','retry','handed_back','lost')),
    PRIMARY KEY (task_id, epoch),
    CHECK ((ended_at IS NULL) = (outcome IS NULL))
);
COMMENT ON TABLE runs IS 'One worker''s hold on a task. seen_at is the newest write of the run, so a run that was killed still has a length.';

CREATE TABLE task_events (
    task_id    uuid        NOT NULL REFERENCES task_heads ON DELETE CASCADE,
    seq        bigint      NOT NULL CHECK (seq >= 1),
    type       text        NOT NULL CHECK (type IN ('agent:thinking','agent:tool_call','agent:tool_result','agent:screenshot','agent:complete','agent:error')),
    terminal   boolean     NOT NULL,
    created_at timestamptz NOT NULL,
    body       json        NOT NULL,
    PRIMARY KEY (task_id, seq),
    CHECK (NOT terminal OR type IN ('agent:complete','agent:error')),
    CHECK (terminal OR type <> 'agent:complete')
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.05);
COMMENT ON TABLE task_events IS 'The public log of each task, gapless from 1. json and not jsonb: clients get the bytes that were written.';
CREATE UNIQUE INDEX task_events_one_terminal ON task_events (task_id) WHERE terminal;

CREATE TABLE steps (
    task_id       uuid        NOT NULL REFERENCES task_heads ON DELETE CASCADE,
    turn          integer     NOT NULL CHECK (turn >= 1),
    call_no       integer     NOT NULL CHECK (call_no >= 0),
    epoch         integer     NOT NULL,
    try           integer     NOT NULL,
    kind          text        NOT NULL CHECK (kind IN ('model','tool')),
    tool          text        NOT NULL,
    args          json        NOT NULL,
    result        json        NOT NULL,
    success       boolean     NOT NULL,
    millis        integer     NOT NULL CHECK (millis >= 0),
    input_tokens  bigint      NOT NULL DEFAULT 0 CHECK (input_tokens >= 0),
    output_tokens bigint      NOT NULL DEFAULT 0 CHECK (output_tokens >= 0),
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (task_id, turn, call_no),
    CHECK ((kind = 'tool') = (tool <> ''))
);
COMMENT ON TABLE steps IS 'The journal: what was paid for is never paid for twice. Results are kept byte for byte (json).';

CREATE TABLE pages (
    id         text        PRIMARY KEY CHECK (id ~ '^[0-9a-f]{64}$'),
    title      text        NOT NULL,
    language   text        NOT NULL,
    config     regconfig   NOT NULL,
    chars      integer     NOT NULL CHECK (chars >= 1),
    content    text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE pages IS 'Snapshots: extracted text, stored once per content and never changed. id is its SHA-256 in hex.';
COMMENT ON COLUMN pages.config IS 'The text search configuration of its language.';

CREATE TABLE passages (
    page_id text     NOT NULL REFERENCES pages ON DELETE CASCADE,
    ord     integer  NOT NULL CHECK (ord >= 0),
    start   integer  NOT NULL CHECK (start >= 0),
    "end"   integer  NOT NULL,
    heading text     NOT NULL,
    tsv     tsvector NOT NULL,
    PRIMARY KEY (page_id, ord),
    CHECK ("end" > start AND "end" - start <= 400)
);
COMMENT ON TABLE passages IS 'Citable spans of a snapshot, in code points, ranked by full-text search: A the title, B the headings, D the text.';
CREATE INDEX passages_tsv ON passages USING gin (tsv);

CREATE TABLE visits (
    id         uuid        PRIMARY KEY,
    account_id text        NOT NULL REFERENCES accounts,
    task_id    uuid        REFERENCES task_heads ON DELETE CASCADE,
    page_id    text        REFERENCES pages,
    url        text        NOT NULL,
    final_url  text        NOT NULL,
    outcome    text        NOT NULL,
    message    text        NOT NULL,
    status     integer     NOT NULL,
    title      text        NOT NULL,
    depth      integer     NOT NULL CHECK (depth >= 0),
    bytes      bigint      NOT NULL CHECK (bytes >= 0),
    millis     integer     NOT NULL CHECK (millis >= 0),
    fetched_at timestamptz NOT NULL,
    CHECK ((outcome = 'ok') = (page_id IS NOT NULL))
);
COMMENT ON TABLE visits IS 'One reading of one URL by one task, good or bad. The library of an account is what its visits read.';
CREATE INDEX visits_by_task ON visits (task_id, fetched_at);
CREATE INDEX visits_by_page ON visits (page_id, account_id) WHERE page_id IS NOT NULL;

CREATE TABLE citations (
    task_id     uuid        NOT NULL REFERENCES task_heads ON DELETE CASCADE,
    evidence    integer     NOT NULL CHECK (evidence >= 1),
    n           integer     CHECK (n >= 1),
    page_id     text        NOT NULL REFERENCES pages,
    visit_id    uuid        NOT NULL REFERENCES visits ON DELETE CASCADE,
    url         text        NOT NULL,
    title       text        NOT NULL,
    excerpt     text        NOT NULL CHECK (char_length(excerpt) BETWEEN 1 AND 400),
    start       integer     NOT NULL CHECK (start >= 0),
    "end"       integer     NOT NULL,
    support     text        NOT NULL DEFAULT 'unchecked' CHECK (support IN ('supported','partial','unsupported','unchecked')),
    accessed_at timestamptz NOT NULL,
    PRIMARY KEY (task_id, evidence),
    UNIQUE (task_id, n),
    CHECK (char_length(excerpt) = "end" - start)
);
COMMENT ON TABLE citations IS 'Evidence of a task. The excerpt is cut from the snapshot by the inserting statement, so no other text can get in. n is its marker in the answer.';
CREATE INDEX citations_by_page ON citations (page_id);
CREATE INDEX citations_by_visit ON citations (visit_id);

CREATE TABLE artifacts (
    task_id      uuid        NOT NULL REFERENCES task_heads ON DELETE CASCADE,
    name         text        NOT NULL CHECK (name ~ '^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$'),
    kind         text        NOT NULL CHECK (kind IN ('result','sources','logs','screenshot')),
    content_type text        NOT NULL,
    bytes        bigint      NOT NULL CHECK (bytes >= 0),
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (task_id, name)
);
COMMENT ON TABLE artifacts IS 'Files of a task. A row is written after its file and deleted before it.';

CREATE TABLE domains (
    domain  text PRIMARY KEY,
    next_at timestamptz   NOT NULL,
    recent  timestamptz[] NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE domains IS 'Politeness across processes: moments reserved per domain. next_at is the earliest next one, recent the last ones granted.';

CREATE FUNCTION reserve_domain(wanted text, spacing_seconds float8, max_requests integer, window_seconds float8) RETURNS float8
    LANGUAGE plpgsql AS $$
DECLARE
    d       domains;
    granted timestamptz;
BEGIN
    INSERT INTO domains (domain, next_at, recent) VALUES (wanted, clock_timestamp(), '{}') ON CONFLICT (domain) DO NOTHING;
    SELECT * INTO STRICT d FROM domains WHERE domain = wanted FOR UPDATE;
    granted := greatest(clock_timestamp(), d.next_at);
    IF cardinality(d.recent) >= max_requests THEN
        granted := greatest(granted, d.recent[cardinality(d.recent) + 1 - max_requests] + make_interval(secs => window_seconds));
    END IF;
    UPDATE domains SET next_at = granted + make_interval(secs => spacing_seconds),
                       recent = (d.recent || granted)[greatest(1, cardinality(d.recent) + 2 - max_requests):]
    WHERE domain = wanted;
    RETURN greatest(0, extract(epoch FROM granted - clock_timestamp()) * 1000);
END $$;
COMMENT ON FUNCTION reserve_domain IS 'Books the next free moment for a request: spacing after the last one, never more than max_requests in any window. Returns milliseconds from now.';

-- +goose StatementEnd
