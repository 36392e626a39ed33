-- name: ReserveDomain :one
-- Books the next free moment for a request to a domain; milliseconds from now until then.
SELECT reserve_domain(@domain::text, @spacing_seconds::float8, @max_requests::integer, @window_seconds::float8)::float8 AS wait_millis;

-- name: BackoffDomain :exec
-- Keeps everybody off a domain for a while.
INSERT INTO domains AS d (domain, next_at, recent)
VALUES (@domain, clock_timestamp() + make_interval(secs => @seconds::float8), '{}')
ON CONFLICT (domain) DO UPDATE SET next_at = greatest(d.next_at, excluded.next_at);
