-- name: InsertAPIKey :one
-- Stores a new API key. The account, and the user if one is named, must exist.
INSERT INTO api_keys (id, account_id, user_id, name, secret_hash, scopes, allowed_nets, expires_at)
VALUES (@id, @account_id, sqlc.narg(user_id), @name, @secret_hash, @scopes, @allowed_nets, sqlc.narg(expires_at))
RETURNING *;

-- name: KeepAPIKey :execrows
-- Stores a key whose secret the operator chose. If the key exists, its values are replaced and a revocation is undone. No
-- row: the id belongs to a key of another account, or to a key of a user.
INSERT INTO api_keys AS k (id, account_id, name, secret_hash, scopes)
VALUES (@id, @account_id, @name, @secret_hash, @scopes)
ON CONFLICT (id) DO UPDATE
SET name = excluded.name, secret_hash = excluded.secret_hash, scopes = excluded.scopes, allowed_nets = '{}', expires_at = NULL, revoked_at = NULL
WHERE k.account_id = excluded.account_id AND k.user_id IS NULL;

-- name: APIKeyForLogin :one
-- A key with the present role of its user in its account. Revoked and expired keys are returned as well, so that the error
-- can say so to a client that knows the secret.
SELECT sqlc.embed(k), m.role, (k.revoked_at IS NOT NULL)::boolean AS revoked, (k.expires_at <= now() IS TRUE)::boolean AS expired,
       (u.disabled_at IS NOT NULL OR u.erased_at IS NOT NULL)::boolean AS disabled
FROM api_keys k
LEFT JOIN users u ON u.id = k.user_id
LEFT JOIN memberships m ON m.user_id = k.user_id AND m.account_id = k.account_id
WHERE k.id = @id;

-- name: ListAPIKeys :many
-- The keys of an account, newest first, including revoked ones. When a user is given, only the keys of that user.
SELECT * FROM api_keys
WHERE account_id = @account_id AND (sqlc.narg(user_id)::uuid IS NULL OR user_id = sqlc.narg(user_id))
ORDER BY created_at DESC, id
LIMIT @max_rows;

-- name: RevokeAPIKey :one
-- Revokes a key of an account. When a user is given, the key must belong to that user. The time of an earlier revocation is
-- kept.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now())
WHERE id = @id AND account_id = @account_id AND (sqlc.narg(user_id)::uuid IS NULL OR user_id = sqlc.narg(user_id))
RETURNING *;

-- name: APIKeysUsed :exec
-- Stores when and from where keys were last used.
UPDATE api_keys k SET last_used_at = u.used_at, last_used_from = nullif(u.used_from, '')::inet
FROM (SELECT unnest(@ids::text[]) AS id, unnest(@used_at::timestamptz[]) AS used_at, unnest(@used_from::text[]) AS used_from) AS u
WHERE k.id = u.id AND (k.last_used_at IS NULL OR k.last_used_at < u.used_at);

-- name: ValidAPIKeys :many
-- Which of these keys may be used now, and the role of their users. A key without a user has no role.
SELECT k.id, m.role
FROM api_keys k
LEFT JOIN users u ON u.id = k.user_id
LEFT JOIN memberships m ON m.user_id = k.user_id AND m.account_id = k.account_id
WHERE k.id = ANY(@ids::text[]) AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
  AND (k.user_id IS NULL OR m.role IS NOT NULL AND u.disabled_at IS NULL AND u.erased_at IS NULL);

-- name: ValidSessions :many
-- Which of these sessions may be used now, and the role of their users.
SELECT s.id, m.role
FROM sessions s
JOIN users u ON u.id = s.user_id
JOIN memberships m ON m.user_id = s.user_id AND m.account_id = s.account_id
WHERE s.id = ANY(@ids::uuid[]) AND s.revoked_at IS NULL AND s.expires_at > now() AND u.disabled_at IS NULL AND u.erased_at IS NULL;
