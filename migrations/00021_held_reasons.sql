-- A held task says why it waits, and a submission says how many more the account may make. Audit entries are found by their actor.

-- +goose Up
-- +goose StatementBegin
CREATE INDEX audit_log_by_actor ON audit_log (actor_kind, actor_id, id DESC);

DROP FUNCTION admit_task(text, text, jsonb);
DROP FUNCTION count_task(text, text, text, bigint);
DROP FUNCTION choose_task(bigint, jsonb, text, bigint, bigint, bigint);
DROP FUNCTION hold_task(uuid);

CREATE FUNCTION count_task(account text, key text, in_period text, most bigint) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    began timestamptz := date_trunc(in_period, now(), 'UTC');
    counted bigint;
BEGIN
    FOR attempt IN 1..2 LOOP
        UPDATE usage_counters c SET tasks = c.tasks + 1
        WHERE c.account_id = account AND c.key_id = key AND c.period = in_period AND c.starts_at = began AND c.tasks < most
        RETURNING c.tasks INTO counted;
        IF FOUND THEN
            RETURN most - counted;
        END IF;
        -- There is no counter yet, or it is full. A limit may have been set in the middle of the period.
        INSERT INTO usage_counters (account_id, key_id, period, starts_at, tasks)
        SELECT account, key, in_period, began, (SELECT count(*) FROM tasks t
            WHERE t.account_id = account AND t.created_at >= began AND (key = '' OR t.created_by_key = key))
        WHERE NOT EXISTS (SELECT 1 FROM usage_counters c
            WHERE c.account_id = account AND c.key_id = key AND c.period = in_period AND c.starts_at = began)
        ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN NULL;
END $$;
COMMENT ON FUNCTION count_task IS 'Counts a submission in its hour or day, and returns how many more may follow. NULL: there were as many as may be, and nothing is counted.';

CREATE FUNCTION admit_task(account text, key text, defaults jsonb, OUT refused text, OUT by_key boolean, OUT most bigint,
                           OUT remaining bigint, OUT resets_at timestamptz)
    LANGUAGE plpgsql AS $$
DECLARE
    l    usage_limits;
    used record;
    per  text;
    allowed bigint;
    rest    bigint;
BEGIN
    IF defaults = '{}' AND NOT EXISTS (SELECT 1 FROM usage_limits u WHERE u.account_id = account) THEN
        RETURN;
    END IF;
    FOR l IN SELECT * FROM limits_of(account, key, defaults) LOOP
        IF num_nonnulls(l.pages_per_month, l.tokens_per_month, l.microdollars_per_month) > 0 THEN
            SELECT * INTO used FROM used_this_month(account, l.key_id);
            refused := CASE WHEN used.pages >= l.pages_per_month THEN 'pages'
                            WHEN used.tokens >= l.tokens_per_month THEN 'tokens'
                            WHEN used.microdollars >= l.microdollars_per_month THEN 'dollars' END;
            IF refused IS NOT NULL THEN
                by_key := l.key_id <> '';
                most := CASE refused WHEN 'pages' THEN l.pages_per_month WHEN 'tokens' THEN l.tokens_per_month ELSE l.microdollars_per_month END;
                resets_at := date_trunc('month', now(), 'UTC') + interval '1 month';
                RETURN;
            END IF;
        END IF;
        FOREACH per IN ARRAY ARRAY['hour','day'] LOOP
            allowed := CASE per WHEN 'hour' THEN l.tasks_per_hour ELSE l.tasks_per_day END;
            CONTINUE WHEN allowed IS NULL;
            rest := count_task(account, l.key_id, per, allowed);
            IF rest IS NULL THEN
                refused := 'tasks_per_' || per;
                by_key := l.key_id <> '';
                most := allowed;
                remaining := 0;
                resets_at := date_trunc(per, now(), 'UTC') + ('1 ' || per)::interval;
                RETURN;
            END IF;
            IF rest < coalesce(remaining, rest + 1) THEN
                most := allowed;
                remaining := rest;
                resets_at := date_trunc(per, now(), 'UTC') + ('1 ' || per)::interval;
            END IF;
        END LOOP;
    END LOOP;
END $$;
COMMENT ON FUNCTION admit_task IS 'Admits a submission and counts it, or says which limit refuses it, how much that allows, and when it allows more. The transaction of a refused one must be rolled back. Of an admitted one, most, remaining and resets_at are of the limit on tasks that allows the fewest more; they are NULL if there is none.';

CREATE OR REPLACE FUNCTION reserve_run(account text, key text, defaults jsonb, want_pages bigint, want_tokens bigint, least_tokens bigint, price bigint,
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
            verdict := CASE l.key_id WHEN '' THEN 'account_full' ELSE 'key_full' END;
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
        verdict := 'budget_reserved';
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
COMMENT ON FUNCTION reserve_run IS 'What a run of a task may use: all that it wants, or, while no other run of the account is open, what is left. verdict is granted, account_full, key_full, budget_reserved (by other runs), or what nothing is left of. want_tokens NULL: any number. price is in microdollars for a million tokens. The caller holds the lock on claims.';

CREATE FUNCTION hold_task(task uuid) RETURNS boolean
    LANGUAGE plpgsql AS $$
DECLARE
    newly boolean;
BEGIN
    SELECT t.held_since IS NULL INTO newly FROM tasks t WHERE t.id = task;
    UPDATE tasks SET held = true, held_since = clock_timestamp() WHERE id = task;
    UPDATE task_heads SET job_id = NULL WHERE task_id = task;
    RETURN newly;
END $$;
COMMENT ON FUNCTION hold_task IS 'Takes its job from a waiting task. A worker gives it another one when there is room. Returns whether the task was not held before since its last run.';

CREATE FUNCTION choose_task(this_job bigint, defaults jsonb, provider text, server_tokens bigint, token_margin bigint, price bigint)
    RETURNS TABLE (chosen_task uuid, epoch integer, verdict text, pages bigint, tokens bigint, microdollars bigint,
                   held_tasks uuid[], held_epochs integer[], held_reasons text[])
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
    held_tasks := '{}';
    held_epochs := '{}';
    held_reasons := '{}';
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
            IF verdict IN ('budget_reserved', 'key_full') THEN
                IF hold_task(chosen.id) THEN
                    held_tasks := held_tasks || chosen.id;
                    held_epochs := held_epochs || chosen.run_epoch;
                    held_reasons := held_reasons || verdict;
                END IF;
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
    IF own_waits AND hold_task(own.task_id) THEN
        held_tasks := held_tasks || own.task_id;
        held_epochs := held_epochs || own.run_epoch;
        held_reasons := held_reasons || 'account_full'::text;
    END IF;
    chosen_task := own.task_id;
    epoch := own.run_epoch;
    verdict := 'held';
    RETURN NEXT;
END $$;
COMMENT ON FUNCTION choose_task IS 'Decides which task the job runs: within the highest priority, of the account with the fewest running tasks, its oldest. The job''s own task gets the other''s job. Accounts at their limit are passed over; with none left the own task is held. held_tasks are those that were held now for the first time since their last run, with their epochs and the verdicts of reserve_run. No row: the job has no task any more.';
-- +goose StatementEnd
