-- What accounts and API keys may use, what they have used, and which waiting task runs next.
--
-- A run reserves what it may use when it begins: the reservation is its row in runs. What it used is added when it ends. So
-- used + reserved is never more than the limit, and a reservation cannot outlive its run.

-- +goose Up
-- +goose StatementBegin
CREATE TABLE usage_limits (
    account_id             text        NOT NULL REFERENCES accounts ON DELETE CASCADE,
    key_id                 text        NOT NULL DEFAULT '',
    tasks_per_hour         bigint      CHECK (tasks_per_hour >= 0),
    tasks_per_day          bigint      CHECK (tasks_per_day >= 0),
    concurrent_runs        bigint      CHECK (concurrent_runs >= 0),
    open_streams           bigint      CHECK (open_streams >= 0),
    pages_per_month        bigint      CHECK (pages_per_month >= 0),
    tokens_per_month       bigint      CHECK (tokens_per_month >= 0),
    microdollars_per_month bigint      CHECK (microdollars_per_month >= 0),
    updated_at             timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key_id)
);
COMMENT ON TABLE usage_limits IS 'What an account, or one of its API keys, may use. NULL: any amount. An account without a row has the limits of the configuration (LIMIT_…), a key without a row has none of its own.';
COMMENT ON COLUMN usage_limits.key_id IS 'The API key that the limits are for; empty: the whole account.';
COMMENT ON COLUMN usage_limits.microdollars_per_month IS 'Millionths of a US dollar. Months, days and hours are those of the calendar, in UTC.';

CREATE TABLE usage_counters (
    account_id   text        NOT NULL REFERENCES accounts ON DELETE CASCADE,
    key_id       text        NOT NULL DEFAULT '',
    period       text        NOT NULL CHECK (period IN ('hour','day','month')),
    starts_at    timestamptz NOT NULL,
    tasks        bigint      NOT NULL DEFAULT 0 CHECK (tasks >= 0),
    pages        bigint      NOT NULL DEFAULT 0 CHECK (pages >= 0),
    tokens       bigint      NOT NULL DEFAULT 0 CHECK (tokens >= 0),
    microdollars bigint      NOT NULL DEFAULT 0 CHECK (microdollars >= 0),
    PRIMARY KEY (account_id, key_id, period, starts_at)
) WITH (fillfactor = 50);
COMMENT ON TABLE usage_counters IS 'What an account (key_id empty) or one of its API keys used in a period: submitted tasks by hour and day, the rest by month. It outlives the tasks: a deleted task gives nothing back.';

CREATE TABLE usage_entries (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id   text        NOT NULL,
    key_id       text        NOT NULL,
    month        timestamptz NOT NULL,
    pages        bigint      NOT NULL,
    tokens       bigint      NOT NULL,
    microdollars bigint      NOT NULL
);
CREATE INDEX usage_entries_by_account ON usage_entries (account_id);
COMMENT ON TABLE usage_entries IS 'What runs used that ended since the last clean-up, which adds them to usage_counters. Runs of one account that end at the same time so do not wait for each other.';

ALTER TABLE runs
    ADD COLUMN reserved_pages        bigint CHECK (reserved_pages >= 0),
    ADD COLUMN reserved_tokens       bigint CHECK (reserved_tokens >= 0),
    ADD COLUMN reserved_microdollars bigint CHECK (reserved_microdollars >= 0);
COMMENT ON COLUMN runs.reserved_pages IS 'With reserved_tokens and reserved_microdollars: the most that the run may use. It counts while the run has not ended. NULL: nothing limited the account when the run began.';

ALTER TABLE tasks
    ADD COLUMN not_before timestamptz,
    ADD COLUMN held boolean NOT NULL DEFAULT false,
    ADD COLUMN held_since timestamptz;
COMMENT ON COLUMN tasks.not_before IS 'A waiting task is not begun before this time, because an earlier try failed a moment ago. NULL: at any time.';
COMMENT ON COLUMN tasks.held IS 'The task waits without a job, because its account or key runs as many tasks as it may, or because all that is left of its budget is reserved by other runs.';
COMMENT ON COLUMN tasks.held_since IS 'When the task was held last. It is kept when the task gets a job again, until it runs: no other task of the account gets a job before.';

CREATE FUNCTION priority_rank(priority text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE priority WHEN 'high' THEN 1 WHEN 'normal' THEN 2 ELSE 3 END;
CREATE INDEX tasks_waiting ON tasks (priority_rank(priority), account_id, (started_at IS NULL), created_at, id)
    WHERE status IN ('created','queued') AND NOT held;
CREATE INDEX tasks_held ON tasks (account_id, held_since) WHERE held_since IS NOT NULL;
CREATE INDEX task_heads_by_job ON task_heads (job_id);
COMMENT ON COLUMN task_heads.job_id IS 'River''s job of the present epoch, which is what the task runs in; NULL while the task is held. Waiting tasks exchange their jobs. No foreign key, because River''s cleaner deletes rows.';

CREATE FUNCTION limits_of(account text, key text, defaults jsonb) RETURNS SETOF usage_limits
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT * FROM usage_limits l WHERE l.account_id = account AND l.key_id = '';
    IF NOT FOUND THEN
        RETURN QUERY SELECT * FROM jsonb_populate_record(NULL::usage_limits, defaults || jsonb_build_object('account_id', account, 'key_id', ''));
    END IF;
    IF key <> '' THEN
        RETURN QUERY SELECT * FROM usage_limits l WHERE l.account_id = account AND l.key_id = key;
    END IF;
END $$;
COMMENT ON FUNCTION limits_of IS 'The limits that apply to a task: those of its account, and those of its key if it has any. defaults are those of the configuration, as the columns of usage_limits.';

CREATE FUNCTION used_this_month(account text, key text, OUT pages bigint, OUT tokens bigint, OUT microdollars bigint)
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(u.pages), 0)::bigint, coalesce(sum(u.tokens), 0)::bigint, coalesce(sum(u.microdollars), 0)::bigint
    FROM (SELECT c.pages, c.tokens, c.microdollars FROM usage_counters c
          WHERE c.account_id = account AND c.key_id = key AND c.period = 'month' AND c.starts_at = date_trunc('month', now(), 'UTC')
          UNION ALL
          SELECT e.pages, e.tokens, e.microdollars FROM usage_entries e
          WHERE e.account_id = account AND (key = '' OR e.key_id = key) AND e.month = date_trunc('month', now(), 'UTC')) u
$$;
COMMENT ON FUNCTION used_this_month IS 'What the ended runs of an account, or of one of its keys, used in this month.';

CREATE FUNCTION add_up_usage(account text) RETURNS void
    LANGUAGE sql AS $$
    WITH taken AS (
        DELETE FROM usage_entries WHERE account_id = account RETURNING key_id, month, pages, tokens, microdollars
    ), subjects AS (
        SELECT '' AS key_id, t.month, t.pages, t.tokens, t.microdollars FROM taken t
        UNION ALL
        SELECT t.key_id, t.month, t.pages, t.tokens, t.microdollars FROM taken t WHERE t.key_id <> ''
    )
    INSERT INTO usage_counters AS c (account_id, key_id, period, starts_at, pages, tokens, microdollars)
    SELECT account, s.key_id, 'month', s.month, sum(s.pages), sum(s.tokens), sum(s.microdollars)
    FROM subjects s WHERE EXISTS (SELECT 1 FROM accounts a WHERE a.id = account)
    GROUP BY s.key_id, s.month
    ORDER BY s.key_id, s.month
    ON CONFLICT (account_id, key_id, period, starts_at) DO UPDATE
    SET pages = c.pages + excluded.pages, tokens = c.tokens + excluded.tokens, microdollars = c.microdollars + excluded.microdollars
$$;
COMMENT ON FUNCTION add_up_usage IS 'Moves the entries of an account into its counters, in one statement, so that every snapshot sees each of them once.';

CREATE FUNCTION count_task(account text, key text, in_period text, most bigint) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := date_trunc(in_period, now(), 'UTC');
BEGIN
    FOR attempt IN 1..2 LOOP
        UPDATE usage_counters c SET tasks = c.tasks + 1
        WHERE c.account_id = account AND c.key_id = key AND c.period = in_period AND c.starts_at = began AND c.tasks < most;
        IF FOUND THEN
            RETURN true;
        END IF;
        -- There is no counter yet, or it is full. A limit may have been set in the middle of the period.
        INSERT INTO usage_counters (account_id, key_id, period, starts_at, tasks)
        SELECT account, key, in_period, began, (SELECT count(*) FROM tasks t
            WHERE t.account_id = account AND t.created_at >= began AND (key = '' OR t.created_by_key = key))
        WHERE NOT EXISTS (SELECT 1 FROM usage_counters c
            WHERE c.account_id = account AND c.key_id = key AND c.period = in_period AND c.starts_at = began)
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN false;
END $$;
COMMENT ON FUNCTION count_task IS 'Counts a submission in its hour or day; false: there were as many as may be, and nothing is counted.';

CREATE FUNCTION admit_task(account text, key text, defaults jsonb, OUT refused text, OUT by_key boolean, OUT most bigint, OUT resets_at timestamptz)
    LANGUAGE plpgsql AS $$
DECLARE
    l    usage_limits;
    used record;
    per  text;
BEGIN
    IF defaults = '{}' AND NOT EXISTS (SELECT 1 FROM usage_limits u WHERE u.account_id = account) THEN
        RETURN;
    END IF;
    FOR l IN SELECT * FROM limits_of(account, key, defaults) LOOP
        by_key := l.key_id <> '';
        IF num_nonnulls(l.pages_per_month, l.tokens_per_month, l.microdollars_per_month) > 0 THEN
            SELECT * INTO used FROM used_this_month(account, l.key_id);
            refused := CASE WHEN used.pages >= l.pages_per_month THEN 'pages'
                            WHEN used.tokens >= l.tokens_per_month THEN 'tokens'
                            WHEN used.microdollars >= l.microdollars_per_month THEN 'dollars' END;
            IF refused IS NOT NULL THEN
                most := CASE refused WHEN 'pages' THEN l.pages_per_month WHEN 'tokens' THEN l.tokens_per_month ELSE l.microdollars_per_month END;
                resets_at := date_trunc('month', now(), 'UTC') + interval '1 month';
                RETURN;
            END IF;
        END IF;
        FOREACH per IN ARRAY ARRAY['hour','day'] LOOP
            most := CASE per WHEN 'hour' THEN l.tasks_per_hour ELSE l.tasks_per_day END;
            CONTINUE WHEN most IS NULL;
            IF NOT count_task(account, l.key_id, per, most) THEN
                refused := 'tasks_per_' || per;
                resets_at := date_trunc(per, now(), 'UTC') + ('1 ' || per)::interval;
                RETURN;
            END IF;
        END LOOP;
    END LOOP;
END $$;
COMMENT ON FUNCTION admit_task IS 'Admits a submission and counts it, or says which limit refuses it, how much that allows, and when it allows more. The transaction of a refused one must be rolled back.';

CREATE FUNCTION reserve_run(account text, key text, defaults jsonb, want_pages bigint, want_tokens bigint, least_tokens bigint, price bigint,
                            OUT verdict text, OUT pages bigint, OUT tokens bigint, OUT microdollars bigint)
    LANGUAGE plpgsql AS $$
DECLARE
    l          usage_limits;
    used       record;
    busy       record;
    left_pages bigint;
    left_tokens bigint;
    left_microdollars bigint;
    want_microdollars bigint := ceil(want_tokens * (price / 1e6));
    others     boolean := false;
BEGIN
    FOR l IN SELECT * FROM limits_of(account, key, defaults) LOOP
        SELECT count(*) AS runs, coalesce(sum(coalesce(r.reserved_pages, t.max_pages)), 0)::bigint AS pages,
               coalesce(sum(coalesce(r.reserved_tokens, want_tokens)), 0)::bigint AS tokens,
               coalesce(sum(coalesce(r.reserved_microdollars, want_microdollars)), 0)::bigint AS microdollars
        INTO busy
        FROM tasks t JOIN runs r ON r.task_id = t.id AND r.ended_at IS NULL
        WHERE t.account_id = account AND t.status = 'running' AND (l.key_id = '' OR t.created_by_key = l.key_id);
        IF busy.runs >= l.concurrent_runs THEN
            verdict := CASE l.key_id WHEN '' THEN 'account_full' ELSE 'wait' END;
            RETURN;
        END IF;
        SELECT * INTO used FROM used_this_month(account, l.key_id);
        used.pages := l.pages_per_month - used.pages - busy.pages; -- what is left; NULL: any amount
        used.tokens := l.tokens_per_month - used.tokens - busy.tokens;
        used.microdollars := l.microdollars_per_month - used.microdollars - busy.microdollars;
        IF busy.runs > 0 AND (used.pages < want_pages OR used.tokens < coalesce(want_tokens, used.tokens + 1)
                              OR used.microdollars < coalesce(want_microdollars, used.microdollars + 1)) THEN
            others := true; -- when they end, more may be left
        END IF;
        left_pages := least(left_pages, used.pages);
        left_tokens := least(left_tokens, used.tokens);
        left_microdollars := least(left_microdollars, used.microdollars);
    END LOOP;
    IF others THEN
        verdict := 'wait';
        RETURN;
    END IF;
    pages := least(want_pages, left_pages);
    tokens := least(want_tokens, left_tokens, CASE WHEN price > 0 THEN floor(left_microdollars / (price / 1e6))::bigint END);
    microdollars := ceil(tokens * (price / 1e6));
    verdict := CASE WHEN pages < 1 THEN 'no_pages'
                    WHEN tokens IS NULL OR tokens >= least(want_tokens, least_tokens) THEN 'granted'
                    WHEN left_tokens < least_tokens THEN 'no_tokens'
                    ELSE 'no_dollars' END;
END $$;
COMMENT ON FUNCTION reserve_run IS 'What a run of a task may use: all that it wants, or, while no other run of the account is open, what is left. verdict is granted, account_full, wait, or what nothing is left of. want_tokens NULL: any number. price is in microdollars for a million tokens. The caller holds the lock on claims.';

CREATE FUNCTION waiting_accounts() RETURNS TABLE (rank integer, account_id text)
    LANGUAGE sql STABLE AS $$
    WITH RECURSIVE waiting AS (
        (SELECT priority_rank(t.priority) AS rank, t.account_id FROM tasks t
         WHERE t.status IN ('created','queued') AND NOT t.held
         ORDER BY priority_rank(t.priority), t.account_id LIMIT 1)
        UNION ALL
        SELECT n.rank, n.account_id FROM waiting w, LATERAL (
            SELECT priority_rank(t.priority) AS rank, t.account_id FROM tasks t
            WHERE t.status IN ('created','queued') AND NOT t.held AND (priority_rank(t.priority), t.account_id) > (w.rank, w.account_id)
            ORDER BY priority_rank(t.priority), t.account_id LIMIT 1) n
    )
    SELECT w.rank, w.account_id FROM waiting w
$$;
COMMENT ON FUNCTION waiting_accounts IS 'The accounts that have waiting tasks with a job, for each priority. It jumps from one to the next in the index tasks_waiting, however many tasks each has.';

CREATE FUNCTION choose_task(this_job bigint, defaults jsonb, provider text, server_tokens bigint, token_margin bigint, price bigint)
    RETURNS TABLE (chosen_task uuid, epoch integer, verdict text, pages bigint, tokens bigint, microdollars bigint)
    LANGUAGE plpgsql AS $$
DECLARE
    own       record;
    candidate record;
    chosen    record;
    granted   record;
    limited   boolean := defaults <> '{}' OR EXISTS (SELECT 1 FROM usage_limits);
    own_waits boolean := true;
    budget    bigint;
    wanted    bigint;
BEGIN
    -- Before any head is locked, so that no claim that waits here hides a task from the one that chooses.
    IF limited OR (SELECT count(DISTINCT w.account_id) FROM waiting_accounts() w) > 1 THEN
        PERFORM pg_advisory_xact_lock(hashtext('legwork claims'));
    END IF;
    FOR attempt IN 1..3 LOOP -- another worker may give the job to another task while we wait for the lock
        SELECT h.task_id, h.run_epoch, t.account_id INTO own FROM task_heads h JOIN tasks t ON t.id = h.task_id
        WHERE h.job_id = this_job AND h.owner IS NULL FOR UPDATE OF h;
        EXIT WHEN own.task_id IS NOT NULL;
    END LOOP;
    IF own.task_id IS NULL THEN
        RETURN;
    END IF;
    FOR candidate IN
        SELECT w.rank, w.account_id, (SELECT count(*) FROM tasks r WHERE r.account_id = w.account_id AND r.status = 'running') AS running
        FROM waiting_accounts() w
        ORDER BY w.rank, running, w.account_id <> own.account_id, w.account_id
    LOOP
        LOOP
            SELECT t.id, t.created_by_key, t.max_pages, h.run_epoch, h.job_id, t.max_tokens, t.provider INTO chosen
            FROM tasks t JOIN task_heads h ON h.task_id = t.id
            WHERE t.status IN ('created','queued') AND NOT t.held AND h.owner IS NULL
              AND priority_rank(t.priority) = candidate.rank AND t.account_id = candidate.account_id
              AND (t.not_before IS NULL OR t.not_before <= clock_timestamp() OR t.id = own.task_id)
            ORDER BY priority_rank(t.priority), t.account_id, (t.started_at IS NULL), t.created_at, t.id
            LIMIT 1 FOR UPDATE OF h SKIP LOCKED;
            EXIT WHEN NOT FOUND;
            verdict := 'granted';
            IF limited THEN
                budget := least(chosen.max_tokens, nullif(server_tokens, 0));
                IF coalesce(chosen.provider, choose_task.provider) = 'reader' THEN
                    wanted := 0;
                ELSE
                    SELECT token_margin + greatest(0, budget - coalesce(sum(s.input_tokens + s.output_tokens), 0)) INTO wanted
                    FROM steps s WHERE s.task_id = chosen.id AND budget IS NOT NULL;
                    IF budget IS NULL THEN
                        wanted := NULL;
                    END IF;
                END IF;
                SELECT * INTO granted FROM reserve_run(candidate.account_id, coalesce(chosen.created_by_key, ''), defaults, chosen.max_pages, wanted,
                    token_margin + 1000, price);
                verdict := granted.verdict;
                pages := granted.pages;
                tokens := granted.tokens;
                microdollars := granted.microdollars;
            END IF;
            EXIT WHEN verdict = 'account_full';
            IF verdict = 'wait' THEN
                PERFORM hold_task(chosen.id);
                own_waits := own_waits AND chosen.id <> own.task_id;
                CONTINUE;
            END IF;
            IF chosen.id <> own.task_id THEN
                UPDATE task_heads h SET job_id = CASE h.task_id WHEN chosen.id THEN this_job ELSE chosen.job_id END
                WHERE h.task_id = chosen.id OR h.task_id = own.task_id AND own_waits;
            END IF;
            chosen_task := chosen.id;
            epoch := chosen.run_epoch;
            RETURN NEXT;
            RETURN;
        END LOOP;
    END LOOP;
    IF own_waits THEN
        PERFORM hold_task(own.task_id);
    END IF;
    chosen_task := own.task_id;
    epoch := own.run_epoch;
    verdict := 'held';
    RETURN NEXT;
END $$;
COMMENT ON FUNCTION choose_task IS 'Decides which task the job runs: within the highest priority, of the account with the fewest running tasks, its oldest. The job''s own task gets the other''s job. Accounts at their limit are passed over; with none left the own task is held. No row: the job has no task any more.';

CREATE FUNCTION hold_task(task uuid) RETURNS void
    LANGUAGE sql AS $$
    UPDATE tasks SET held = true, held_since = clock_timestamp() WHERE id = task;
    UPDATE task_heads SET job_id = NULL WHERE task_id = task;
$$;
COMMENT ON FUNCTION hold_task IS 'Takes its job from a waiting task. A worker gives it another one when there is room.';

CREATE UNLOGGED TABLE open_streams (
    process    uuid        NOT NULL,
    account_id text        NOT NULL,
    key_id     text        NOT NULL,
    streams    bigint      NOT NULL CHECK (streams >= 0),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (process, account_id, key_id)
) WITH (fillfactor = 50);
COMMENT ON TABLE open_streams IS 'How many streams each process has open for accounts and keys with a limit. A row that is not renewed belongs to a dead process and does not count.';

CREATE FUNCTION open_stream(this_process uuid, account text, key text, defaults jsonb, fresh_seconds float8, OUT most bigint, OUT by_key boolean)
    LANGUAGE plpgsql AS $$
DECLARE
    l usage_limits;
BEGIN
    IF defaults ? 'open_streams' OR EXISTS (SELECT 1 FROM usage_limits u WHERE u.account_id = account AND u.open_streams IS NOT NULL) THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('legwork streams ' || account, 0));
        FOR l IN SELECT * FROM limits_of(account, key, defaults) LOOP
            IF l.open_streams <= (SELECT coalesce(sum(o.streams), 0) FROM open_streams o
                    WHERE o.account_id = account AND (l.key_id = '' OR o.key_id = l.key_id)
                      AND o.seen_at > clock_timestamp() - make_interval(secs => fresh_seconds)) THEN
                most := l.open_streams;
                by_key := l.key_id <> '';
                RETURN;
            END IF;
        END LOOP;
    END IF;
    INSERT INTO open_streams AS o (process, account_id, key_id, streams) VALUES (this_process, account, key, 1)
    ON CONFLICT (process, account_id, key_id) DO UPDATE SET streams = o.streams + 1, seen_at = clock_timestamp();
END $$;
COMMENT ON FUNCTION open_stream IS 'Counts a stream that a process opens. A value of most refuses it: the account or key has that many open already.';
-- +goose StatementEnd
