-- name: ReserveDomain :one
-- Reserves the next free time for a request to a domain, unless it is more than most_seconds away. Returns the
-- milliseconds until then.
SELECT reserve_domain(@domain::text, @spacing_seconds::float8, @max_requests::integer, @window_seconds::float8, @most_seconds::float8)::float8 AS wait_millis;

-- name: BackoffDomain :exec
-- Stops requests to a domain after 429 or 503. The pause grows with each such answer in a row.
SELECT backoff_domain(@domain::text, @asked_seconds::float8, @base_seconds::float8, @most_seconds::float8);

-- name: DomainQuiet :one
-- For how many milliseconds from now a domain must not be requested.
SELECT coalesce((SELECT greatest(0, extract(epoch FROM quiet_until - clock_timestamp()) * 1000) FROM domains WHERE domain = @domain), 0)::float8 AS quiet_millis;

-- name: SettleDomain :exec
-- Resets the count of 429 and 503 answers in a row, after a normal answer.
UPDATE domains SET busy_answers = 0 WHERE domain = @domain AND busy_answers > 0;

-- name: PurgeDomains :execrows
-- Removes domains that were not requested for a day, with their grants. Rows that another transaction has locked
-- are left for the next time.
DELETE FROM domains WHERE domain IN (
    SELECT d.domain FROM domains d
    WHERE d.next_at < now() - interval '1 day' AND d.quiet_until < now() - interval '1 day'
    ORDER BY d.next_at LIMIT @max_rows FOR UPDATE SKIP LOCKED);
