-- name: CreateSession :one
-- Stores a session. Returns its latest possible end.
INSERT INTO sessions (id, secret_hash, user_id, account_id, expires_at, address, user_agent)
VALUES (@id, @secret_hash, @user_id, @account_id, now() + make_interval(secs => @lifetime_seconds::float8), sqlc.narg(address)::inet, @user_agent)
RETURNING expires_at;

-- name: SessionCredential :one
-- A session that may be used, with its account and the present role of its user there. No row: the session was revoked,
-- has ended or was unused for too long, or its user is disabled or no longer a member.
SELECT s.secret_hash, s.user_id, s.account_id, m.role, s.expires_at,
       (s.last_seen_at < now() - interval '1 minute')::boolean AS seen_long_ago
FROM sessions s
JOIN users u ON u.id = s.user_id AND u.disabled_at IS NULL AND u.erased_at IS NULL
JOIN memberships m ON m.user_id = s.user_id AND m.account_id = s.account_id
WHERE s.id = @id AND s.revoked_at IS NULL AND s.expires_at > now()
  AND s.last_seen_at > now() - make_interval(secs => @idle_seconds::float8);

-- name: TouchSession :exec
-- Stores that a session was used, at most once a minute, because otherwise each request would be a write.
UPDATE sessions SET last_seen_at = now() WHERE id = @id AND last_seen_at < now() - interval '1 minute';

-- name: LiveSessions :many
-- The sessions of a user that can still be used, the last used one first.
SELECT id, account_id, created_at, last_seen_at, expires_at, address, user_agent
FROM sessions
WHERE user_id = @user_id AND revoked_at IS NULL AND expires_at > now()
  AND last_seen_at > now() - make_interval(secs => @idle_seconds::float8)
ORDER BY last_seen_at DESC, id LIMIT 1000;

-- name: RevokeSession :execrows
-- Ends one session of a user.
UPDATE sessions SET revoked_at = now() WHERE id = @id AND user_id = @user_id AND revoked_at IS NULL;

-- name: RevokeSessions :many
-- Ends all sessions of a user except keep, which may be NULL. Returns the ids of the ended sessions.
UPDATE sessions SET revoked_at = now()
WHERE user_id = @user_id AND revoked_at IS NULL AND id IS DISTINCT FROM sqlc.narg(keep)::uuid
RETURNING id;

-- name: SwitchSession :execrows
-- Makes a session use another account of its user. No row changes when the user is no member of that account.
UPDATE sessions s SET account_id = @account_id
WHERE s.id = @id AND s.user_id = @user_id AND s.revoked_at IS NULL
  AND EXISTS (SELECT 1 FROM memberships m WHERE m.user_id = s.user_id AND m.account_id = @account_id);

-- name: PurgeSessions :execrows
-- Removes sessions that ended more than a week ago.
DELETE FROM sessions WHERE id IN (
    SELECT s.id FROM sessions s WHERE s.expires_at < now() - interval '7 days' OR s.revoked_at < now() - interval '7 days'
    LIMIT @max_rows FOR UPDATE SKIP LOCKED);

-- name: CreateTicket :exec
-- Stores a ticket for one stream, which is valid for 30 seconds.
INSERT INTO stream_tickets (secret_hash, session_id, key_id, expires_at)
VALUES (@secret_hash, sqlc.narg(session_id)::uuid, sqlc.narg(key_id)::text, now() + interval '30 seconds');

-- name: TakeTicket :one
-- Removes a valid ticket. Returns the session or key that created it.
DELETE FROM stream_tickets WHERE secret_hash = @secret_hash AND expires_at > now() RETURNING session_id, key_id;

-- name: PurgeTickets :execrows
-- Removes tickets that have expired.
DELETE FROM stream_tickets WHERE secret_hash IN (
    SELECT t.secret_hash FROM stream_tickets t WHERE t.expires_at < now() LIMIT @max_rows FOR UPDATE SKIP LOCKED);

-- name: CreateChallenge :exec
-- Stores the challenge of a login that another request will finish.
INSERT INTO login_challenges (secret_hash, kind, user_id, box, expires_at)
VALUES (@secret_hash, @kind, sqlc.narg(user_id)::uuid, @box, now() + make_interval(secs => @lifetime_seconds::float8));

-- name: TakeChallenge :one
-- Removes a valid challenge. Returns the sealed data against which the answer is checked.
DELETE FROM login_challenges WHERE secret_hash = @secret_hash AND kind = @kind AND expires_at > now() RETURNING user_id, box;

-- name: LockChallenges :many
-- Locks and returns valid challenges after a cursor, to seal them again.
SELECT secret_hash, kind, box FROM login_challenges
WHERE secret_hash > @after::bytea AND expires_at > now() ORDER BY secret_hash LIMIT @max_rows FOR UPDATE;

-- name: ResealChallenge :exec
-- Replaces the sealed data of a challenge.
UPDATE login_challenges SET box = @box WHERE secret_hash = @secret_hash;

-- name: PurgeChallenges :execrows
-- Removes challenges that have expired.
DELETE FROM login_challenges WHERE secret_hash IN (
    SELECT c.secret_hash FROM login_challenges c WHERE c.expires_at < now() LIMIT @max_rows FOR UPDATE SKIP LOCKED);
