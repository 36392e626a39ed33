-- name: ReserveDomain :one
-- Books the next free moment for a request to a domain, unless it is too far off; milliseconds from now until then.
SELECT reserve_domain(@domain::text, @spacing_seconds::float8, @max_requests::integer, @window_seconds::float8, @most_seconds::float8)::float8 AS wait_millis;

-- name: BackoffDomain :exec
-- Leaves a domain alone after 429 or 503, each time in a row for longer.
SELECT backoff_domain(@domain::text, @asked_seconds::float8, @base_seconds::float8, @most_seconds::float8);

-- name: DomainQuiet :one
-- How long a domain is left alone yet, in milliseconds.
SELECT coalesce((SELECT greatest(0, extract(epoch FROM quiet_until - clock_timestamp()) * 1000) FROM domains WHERE domain = @domain), 0)::float8 AS quiet_millis;

-- name: SettleDomain :exec
-- Ends the doubling of a domain that answered as it should.
UPDATE domains SET strikes = 0 WHERE domain = @domain AND strikes > 0;

-- name: PurgeDomains :execrows
-- Forgets domains that nobody has asked for a day, with their grants; those that somebody is at are left for the next time.
DELETE FROM domains WHERE domain IN (
    SELECT d.domain FROM domains d
    WHERE d.next_at < now() - interval '1 day' AND d.quiet_until < now() - interval '1 day'
    ORDER BY d.next_at LIMIT @max_rows FOR UPDATE SKIP LOCKED);
