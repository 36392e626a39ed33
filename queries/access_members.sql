-- name: ListMembers :many
-- The members of an account, by e-mail address.
SELECT m.user_id, m.role, m.created_at, u.email, u.name, u.last_login_at, u.disabled_at
FROM memberships m JOIN users u ON u.id = m.user_id
WHERE m.account_id = @account_id
ORDER BY u.email
LIMIT @max_rows;

-- name: LockMembers :many
-- Locks and returns the owners of an account and one more member. Until the transaction ends, no other transaction can
-- change or remove an owner.
SELECT user_id, role FROM memberships
WHERE account_id = @account_id AND (role = 'owner' OR user_id = @user_id)
ORDER BY user_id
FOR UPDATE;

-- name: SetRole :one
-- Changes the role of a member.
WITH changed AS (
    UPDATE memberships SET role = @role WHERE account_id = @account_id AND user_id = @user_id RETURNING *
)
SELECT m.user_id, m.role, m.created_at, u.email, u.name, u.last_login_at, u.disabled_at
FROM changed m JOIN users u ON u.id = m.user_id;

-- name: RemoveMember :execrows
-- Removes a member from an account. The member's tasks stay.
DELETE FROM memberships WHERE account_id = @account_id AND user_id = @user_id;

-- name: RevokeKeysOfMember :exec
-- Revokes the keys of a user in an account, so that they are not valid again if the user becomes a member again.
UPDATE api_keys SET revoked_at = now() WHERE account_id = @account_id AND user_id = @user_id::uuid AND revoked_at IS NULL;

-- name: EndSessionsOfMember :exec
-- Ends the sessions of a user in an account, so that they are not valid again if the user becomes a member again.
UPDATE sessions SET revoked_at = now() WHERE account_id = @account_id AND user_id = @user_id AND revoked_at IS NULL;

-- name: HasOwner :one
-- Whether an account has an owner who can log in.
SELECT EXISTS (
    SELECT 1 FROM memberships m JOIN users u ON u.id = m.user_id
    WHERE m.account_id = @account_id AND m.role = 'owner' AND u.disabled_at IS NULL AND u.erased_at IS NULL
);

-- name: InsertAccount :execrows
-- Stores an account. No row: one with this id exists.
INSERT INTO accounts (id, name) VALUES (@id, @name) ON CONFLICT (id) DO NOTHING;

-- name: ListAccounts :many
-- All accounts, with the numbers of their members and of their keys that may be used.
SELECT a.id, a.name, a.created_at,
       (SELECT count(*) FROM memberships m WHERE m.account_id = a.id) AS members,
       (SELECT count(*) FROM api_keys k WHERE k.account_id = a.id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())) AS keys
FROM accounts a ORDER BY a.id;

-- name: SetUserDisabled :execrows
-- Takes from a user the right to log in and to use keys, or gives it back. An erased user stays as it is.
UPDATE users SET disabled_at = CASE WHEN @disabled::boolean THEN coalesce(disabled_at, now()) END
WHERE id = @id AND erased_at IS NULL;

-- name: UserIDByEmail :one
-- The id of the user with this e-mail address.
SELECT id FROM users WHERE email = lower(@email) AND erased_at IS NULL;
