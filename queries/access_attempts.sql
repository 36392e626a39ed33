-- name: CountAttempt :one
-- Counts a login attempt as failed before its password is looked at, so that attempts at the same time cannot pass the limit
-- together. Returns for how many seconds the subject is locked; then nothing was counted.
SELECT count_login_attempt(@subject::text, @free::integer, @base_seconds::float8, @most_seconds::float8)::float8 AS locked_seconds;

-- name: ForgiveAttempt :exec
-- Takes the last counted attempt of a subject back: it was no failure.
WITH gone AS (DELETE FROM login_attempts d WHERE d.subject = @subject AND d.failures <= 1)
UPDATE login_attempts a SET failures = a.failures - 1, locked_until = now() WHERE a.subject = @subject AND a.failures > 1;

-- name: ForgetAttempts :exec
-- After a right password the failures in a row begin anew.
DELETE FROM login_attempts WHERE subject = @subject;

-- name: PurgeAttempts :execrows
-- Removes subjects without a failure for a day.
DELETE FROM login_attempts WHERE subject IN (
    SELECT a.subject FROM login_attempts a WHERE a.last_at < now() - interval '1 day' AND a.locked_until < now()
    LIMIT @max_rows FOR UPDATE SKIP LOCKED);
