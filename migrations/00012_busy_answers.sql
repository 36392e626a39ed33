-- The column domains.strikes gets a literal name: it counts the answers 429 and 503 of a domain in a row. Processes of the
-- version before use the old name, so the migration waits until their workers have stopped.

-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    FOR i IN 1..100 LOOP
        EXIT WHEN NOT EXISTS (SELECT 1 FROM workers WHERE heartbeat_at > clock_timestamp() - interval '6 seconds');
        PERFORM pg_sleep(0.2);
    END LOOP;
    IF EXISTS (SELECT 1 FROM workers WHERE heartbeat_at > clock_timestamp() - interval '6 seconds') THEN
        RAISE EXCEPTION 'workers of an older version are running; stop all legwork processes of this database, then start the new version';
    END IF;
END $$;

ALTER TABLE domains RENAME COLUMN strikes TO busy_answers;
ALTER TABLE domains RENAME CONSTRAINT domains_strikes_check TO domains_busy_answers_check;
COMMENT ON COLUMN domains.busy_answers IS 'How many answers in a row had the status 429 or 503. Answers that came during a pause are not counted.';
COMMENT ON COLUMN domains.quiet_until IS 'No process requests the domain before this time, even if it reserved an earlier time.';

CREATE OR REPLACE FUNCTION backoff_domain(wanted text, asked_seconds float8, base_seconds float8, most_seconds float8) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    d     domains := lock_domain(wanted);
    until timestamptz;
BEGIN
    IF clock_timestamp() >= d.quiet_until THEN
        d.busy_answers := d.busy_answers + 1;
    END IF;
    until := clock_timestamp() + make_interval(secs => CASE WHEN d.busy_answers > 1
        THEN greatest(asked_seconds, least(most_seconds, base_seconds * 2 ^ least(d.busy_answers - 1, 30)))
        ELSE asked_seconds END);
    UPDATE domains SET busy_answers = d.busy_answers, next_at = greatest(next_at, until), quiet_until = greatest(quiet_until, until)
    WHERE domain = wanted;
END $$;
COMMENT ON FUNCTION backoff_domain IS 'Stops requests to a domain for the time that it asked for. From the second busy answer in a row on the pause is at least base_seconds * 2 ^ (answers - 1), or most_seconds if that is less.';
COMMENT ON FUNCTION reserve_domain IS 'Reserves the next free time for a request: spacing_seconds after the last reservation, and at most max_requests in any window. Returns the milliseconds until then. A time more than most_seconds away is returned but not reserved.';
COMMENT ON FUNCTION lock_domain IS 'Locks the row of a domain, and inserts it when it is missing.';
-- +goose StatementEnd
