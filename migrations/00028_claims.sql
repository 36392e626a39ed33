-- While nothing is limited and one account has waiting tasks, a claim leaves tasks alone whose job a worker has fetched,
-- because that worker begins them.
--
-- Before, each claim took the oldest task. When a worker fetched many jobs at once, the claims exchanged their jobs with each
-- other and waited for each other's locks. A claim whose job was given to another task three times while it waited also
-- believed that its job had no task any more. That task then waited for the reconciler.

-- +goose Up
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION choose_task(this_job bigint, defaults jsonb, provider text, server_tokens bigint, token_margin bigint, price bigint)
    RETURNS TABLE (chosen_task uuid, epoch integer, verdict text, pages bigint, tokens bigint, microdollars bigint,
                   held_tasks uuid[], held_epochs integer[], held_reasons text[])
    LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan -- planning its statements takes longer than executing them
    AS $$
DECLARE
    own       record;
    waiting   record;
    candidate record;
    chosen    record;
    granted   record;
    limited   boolean := defaults <> '{}' OR EXISTS (SELECT 1 FROM usage_limits);
    own_waits boolean := true;
    budget    bigint;
    wanted    bigint;
    alone     boolean := EXISTS (SELECT 1 FROM river_job j WHERE j.id = this_job AND j.queue <> 'research');
    late_turn boolean;
    in_turn   boolean; -- one claim at a time chooses
BEGIN
    held_tasks := '{}';
    held_epochs := '{}';
    held_reasons := '{}';
    SELECT count(*) AS groups, count(DISTINCT w.account_id) AS accounts INTO waiting FROM waiting_accounts() w;
    -- Before any head is locked, so that no claim that waits here hides a task from the one that chooses.
    in_turn := limited OR waiting.accounts > 1;
    IF in_turn THEN
        PERFORM pg_advisory_xact_lock(hashtext('legwork claims'));
        SELECT count(*) AS groups, count(DISTINCT w.account_id) AS accounts INTO waiting FROM waiting_accounts() w;
    END IF;
    LOOP
        SELECT h.task_id, h.run_epoch, t.account_id, priority_rank(t.priority) AS rank INTO own FROM task_heads h JOIN tasks t ON t.id = h.task_id
        WHERE h.job_id = this_job AND h.owner IS NULL FOR UPDATE OF h;
        EXIT WHEN FOUND;
        -- While this waited for the lock, another claim may have given the job to another task.
        IF NOT EXISTS (SELECT 1 FROM task_heads h WHERE h.job_id = this_job AND h.owner IS NULL) THEN
            RETURN;
        END IF;
    END LOOP;
    late_turn := waiting.groups > 1 AND nextval('task_choices') % 4 = 0;
    FOR candidate IN
        SELECT own.rank AS rank, own.account_id AS account_id WHERE waiting.groups <= 1
        UNION ALL
        SELECT g.rank, g.account_id FROM (
            SELECT w.rank, w.account_id
            FROM waiting_groups(late_turn) w
            WHERE waiting.groups > 1 AND (NOT alone OR w.rank = own.rank AND w.account_id = own.account_id)
            ORDER BY w.late_since IS NULL, CASE WHEN w.late_since IS NULL THEN w.rank END,
                     (SELECT count(*) FROM tasks r WHERE r.account_id = w.account_id AND r.status = 'running'),
                     w.late_since, w.account_id <> own.account_id, w.account_id) g
    LOOP
        LOOP
            -- The inner query reads tasks_waiting in its order, and the outer one stops at the first row. A join of the two tables
            -- would read all waiting tasks and sort them.
            SELECT t.id, t.created_by_key, t.max_pages, t.max_tokens, t.provider, h.run_epoch, h.job_id INTO chosen
            FROM (SELECT w.id, w.created_by_key, w.max_pages, w.max_tokens, w.provider
                  FROM tasks w
                  WHERE w.status IN ('created','queued') AND NOT w.held
                    AND priority_rank(w.priority) = candidate.rank AND w.account_id = candidate.account_id
                    AND (w.not_before IS NULL OR w.not_before <= clock_timestamp() OR w.id = own.task_id)
                  ORDER BY priority_rank(w.priority), w.account_id, (w.started_at IS NULL), w.created_at, w.id) t,
                 LATERAL (SELECT n.run_epoch, n.job_id
                  FROM task_heads n
                  WHERE n.task_id = t.id AND n.owner IS NULL AND n.job_id IS NOT NULL
                    AND (t.id = own.task_id OR NOT alone AND NOT coalesce(
                        (SELECT j.queue <> 'research' OR NOT in_turn AND j.state = 'running' FROM river_job j WHERE j.id = n.job_id), false))
                  FOR UPDATE SKIP LOCKED) h
            LIMIT 1;
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
COMMENT ON FUNCTION choose_task IS 'Decides which task the job runs: within the highest priority, of the account with the fewest running tasks, its oldest. While only one account has waiting tasks and nothing is limited, claims do not wait for each other, and tasks whose job a worker has fetched are left to that worker. Every fourth call, while tasks of several priorities or accounts wait, first looks for tasks that were submitted more than ten minutes ago, so that a stream of tasks with a high priority does not delay the others without end. The job''s own task gets the other''s job. A job in another queue than research runs its own task or none, and no other job runs that task. Accounts at their limit are passed over; with none left the own task is held. held_tasks are those that were held now for the first time since their last run, with their epochs and the verdicts of reserve_run. No row: the job has no task any more.';
-- +goose StatementEnd
