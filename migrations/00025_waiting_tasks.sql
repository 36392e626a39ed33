-- Tasks that have waited for long are not passed over without end, and a process may work on its own tasks alone.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE workers ADD COLUMN queue text NOT NULL DEFAULT 'research';
COMMENT ON COLUMN workers.queue IS 'The queue of River from which the process takes runs: research, or one of its own for the task of legwork ask.';

CREATE SEQUENCE task_choices;
COMMENT ON SEQUENCE task_choices IS 'Counts the calls of choose_task. Every fourth one prefers tasks that have waited for long.';

CREATE FUNCTION waiting_groups(look_late boolean) RETURNS TABLE (rank integer, account_id text, late_since timestamptz)
    LANGUAGE sql STABLE AS $$
    SELECT w.rank, w.account_id, CASE WHEN f.created_at < clock_timestamp() - interval '10 minutes' THEN f.created_at END
    FROM waiting_accounts() w LEFT JOIN LATERAL (
        SELECT t.created_at FROM tasks t
        WHERE look_late AND t.status IN ('created','queued') AND NOT t.held AND priority_rank(t.priority) = w.rank AND t.account_id = w.account_id
          AND (t.not_before IS NULL OR t.not_before <= clock_timestamp())
        ORDER BY priority_rank(t.priority), t.account_id, (t.started_at IS NULL), t.created_at, t.id LIMIT 1) f ON true
$$;
COMMENT ON FUNCTION waiting_groups IS 'The accounts that have waiting tasks with a job, for each priority. late_since: when the task was submitted that is next among them, if that is asked for and more than ten minutes ago.';

CREATE OR REPLACE FUNCTION choose_task(this_job bigint, defaults jsonb, provider text, server_tokens bigint, token_margin bigint, price bigint)
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
    alone     boolean := EXISTS (SELECT 1 FROM river_job j WHERE j.id = this_job AND j.queue <> 'research');
    late_turn boolean := nextval('task_choices') % 4 = 0;
BEGIN
    held_tasks := '{}';
    held_epochs := '{}';
    held_reasons := '{}';
    -- Before any head is locked, so that no claim that waits here hides a task from the one that chooses.
    IF limited OR (SELECT count(DISTINCT w.account_id) FROM waiting_accounts() w) > 1 THEN
        PERFORM pg_advisory_xact_lock(hashtext('legwork claims'));
    END IF;
    FOR attempt IN 1..3 LOOP -- another worker may give the job to another task while we wait for the lock
        SELECT h.task_id, h.run_epoch, t.account_id, priority_rank(t.priority) AS rank INTO own FROM task_heads h JOIN tasks t ON t.id = h.task_id
        WHERE h.job_id = this_job AND h.owner IS NULL FOR UPDATE OF h;
        EXIT WHEN own.task_id IS NOT NULL;
    END LOOP;
    IF own.task_id IS NULL THEN
        RETURN;
    END IF;
    FOR candidate IN
        SELECT w.rank, w.account_id, (SELECT count(*) FROM tasks r WHERE r.account_id = w.account_id AND r.status = 'running') AS running
        FROM waiting_groups(late_turn) w
        WHERE NOT alone OR w.rank = own.rank AND w.account_id = own.account_id
        ORDER BY w.late_since IS NULL, CASE WHEN w.late_since IS NULL THEN w.rank END, running, w.late_since, w.account_id <> own.account_id, w.account_id
    LOOP
        LOOP
            SELECT t.id, t.created_by_key, t.max_pages, h.run_epoch, h.job_id, t.max_tokens, t.provider INTO chosen
            FROM tasks t JOIN task_heads h ON h.task_id = t.id
            WHERE t.status IN ('created','queued') AND NOT t.held AND h.owner IS NULL
              AND priority_rank(t.priority) = candidate.rank AND t.account_id = candidate.account_id
              AND (t.not_before IS NULL OR t.not_before <= clock_timestamp() OR t.id = own.task_id)
              AND (t.id = own.task_id OR NOT alone AND NOT EXISTS (SELECT 1 FROM river_job j WHERE j.id = h.job_id AND j.queue <> 'research'))
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
COMMENT ON FUNCTION choose_task IS 'Decides which task the job runs: within the highest priority, of the account with the fewest running tasks, its oldest. Every fourth call first looks, in all priorities, for tasks that were submitted more than ten minutes ago, so that a stream of tasks with a high priority does not delay the others without end. The job''s own task gets the other''s job. A job in another queue than research runs its own task or none, and no other job runs that task. Accounts at their limit are passed over; with none left the own task is held. held_tasks are those that were held now for the first time since their last run, with their epochs and the verdicts of reserve_run. No row: the job has no task any more.';
-- +goose StatementEnd
