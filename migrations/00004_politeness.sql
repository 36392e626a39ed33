-- Backing off from domains that answer 429 or 503, and reservations that are not booked when nobody would wait for them.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE domains
    ADD COLUMN strikes     integer     NOT NULL DEFAULT 0 CHECK (strikes >= 0),
    ADD COLUMN quiet_until timestamptz NOT NULL DEFAULT 'epoch';
COMMENT ON COLUMN domains.strikes IS 'Answers of 429 or 503 in a row, those that came while the domain was left alone already not counted.';
COMMENT ON COLUMN domains.quiet_until IS 'The domain is left alone until then; moments that were granted before do not count.';

-- The fifth argument has a default so that processes of the version before go on working.
DROP FUNCTION reserve_domain(text, float8, integer, float8);
CREATE FUNCTION reserve_domain(wanted text, spacing_seconds float8, max_requests integer, window_seconds float8, most_seconds float8 DEFAULT 'infinity')
    RETURNS float8
    LANGUAGE plpgsql AS $$
DECLARE
    d       domains;
    granted timestamptz;
    wait    float8;
BEGIN
    INSERT INTO domains (domain, next_at, recent) VALUES (wanted, clock_timestamp(), '{}') ON CONFLICT (domain) DO NOTHING;
    SELECT * INTO STRICT d FROM domains WHERE domain = wanted FOR UPDATE;
    granted := greatest(clock_timestamp(), d.next_at);
    IF cardinality(d.recent) >= max_requests THEN
        granted := greatest(granted, d.recent[cardinality(d.recent) + 1 - max_requests] + make_interval(secs => window_seconds));
    END IF;
    wait := greatest(0, extract(epoch FROM granted - clock_timestamp()));
    IF wait <= most_seconds THEN
        UPDATE domains SET next_at = granted + make_interval(secs => spacing_seconds),
                           recent = (d.recent || granted)[greatest(1, cardinality(d.recent) + 2 - max_requests):]
        WHERE domain = wanted;
    END IF;
    RETURN wait * 1000;
END $$;
COMMENT ON FUNCTION reserve_domain IS 'Books the next free moment for a request: spacing after the last one, never more than max_requests in any window. Returns milliseconds from now. A moment further off than most_seconds is told but not booked.';

CREATE FUNCTION backoff_domain(wanted text, asked_seconds float8, base_seconds float8, most_seconds float8) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    d     domains;
    until timestamptz;
BEGIN
    INSERT INTO domains (domain, next_at, recent) VALUES (wanted, clock_timestamp(), '{}') ON CONFLICT (domain) DO NOTHING;
    SELECT * INTO STRICT d FROM domains WHERE domain = wanted FOR UPDATE;
    IF clock_timestamp() >= d.quiet_until THEN
        d.strikes := d.strikes + 1;
    END IF;
    until := clock_timestamp() + make_interval(secs => CASE WHEN d.strikes > 1
        THEN greatest(asked_seconds, least(most_seconds, base_seconds * 2 ^ least(d.strikes - 1, 30)))
        ELSE asked_seconds END);
    UPDATE domains SET strikes = d.strikes, next_at = greatest(next_at, until), quiet_until = greatest(quiet_until, until)
    WHERE domain = wanted;
END $$;
COMMENT ON FUNCTION backoff_domain IS 'Leaves a domain alone for the time it asked for; from the second strike in a row on for at least base, doubled with each strike, up to most.';
-- +goose StatementEnd
