-- name: AddUser :exec
-- Stores a user. The e-mail address is unique.
INSERT INTO users (id, email, name, password_hash, password_changed_at)
VALUES (@id, @email, @name, sqlc.narg(password_hash)::text, CASE WHEN sqlc.narg(password_hash)::text IS NOT NULL THEN now() END);

-- name: LoginUser :one
-- The user with an e-mail address, with the hash of the password.
SELECT id, email, name, password_hash, (disabled_at IS NOT NULL OR erased_at IS NOT NULL)::boolean AS disabled
FROM users WHERE email = @email;

-- name: UserByID :one
-- One user by id.
SELECT id, email, name, password_hash, (disabled_at IS NOT NULL OR erased_at IS NOT NULL)::boolean AS disabled
FROM users WHERE id = @id;

-- name: LockUser :one
-- Locks and returns one user, so that another change of the password waits until this transaction ends.
SELECT id, email, name, password_hash, (disabled_at IS NOT NULL OR erased_at IS NOT NULL)::boolean AS disabled
FROM users WHERE id = @id FOR NO KEY UPDATE;

-- name: UserByIdentity :one
-- The user who is linked to a subject of an OpenID provider.
SELECT u.id, u.email, u.name, u.password_hash, (u.disabled_at IS NOT NULL OR u.erased_at IS NOT NULL)::boolean AS disabled
FROM identities i JOIN users u ON u.id = i.user_id
WHERE i.issuer = @issuer AND i.subject = @subject;

-- name: AddIdentity :exec
-- Links a subject of an OpenID provider to a user.
INSERT INTO identities (issuer, subject, user_id) VALUES (@issuer, @subject, @user_id);

-- name: SetPassword :exec
-- Replaces the password of a user.
UPDATE users SET password_hash = @password_hash, password_changed_at = now() WHERE id = @id;

-- name: RehashPassword :exec
-- Replaces the hash of a password by one with higher costs, unless the password was changed meanwhile.
UPDATE users SET password_hash = @new_hash WHERE id = @id AND password_hash = @old_hash;

-- name: NoteLogin :exec
-- Stores the time of a user's last login.
UPDATE users SET last_login_at = now() WHERE id = @id;

-- name: AccountsOfUser :many
-- The accounts that a user is a member of, the oldest membership first.
SELECT a.id, a.name, m.role FROM memberships m JOIN accounts a ON a.id = m.account_id
WHERE m.user_id = @user_id ORDER BY m.created_at, a.id LIMIT 1000;

-- name: AccountExists :one
-- Whether an account with this id exists.
SELECT EXISTS (SELECT 1 FROM accounts WHERE id = @id);

-- name: Join :execrows
-- Makes a user a member of an account. The role of a member is raised, and never lowered.
INSERT INTO memberships AS m (account_id, user_id, role) VALUES (@account_id, @user_id, @role)
ON CONFLICT (account_id, user_id) DO UPDATE SET role = excluded.role
WHERE array_position(ARRAY['viewer','member','admin','owner'], m.role) < array_position(ARRAY['viewer','member','admin','owner'], excluded.role);

-- name: CreatePasskey :exec
-- Stores a passkey of a user.
INSERT INTO passkeys (id, user_id, name, credential) VALUES (@id, @user_id, @name, @credential);

-- name: Passkeys :many
-- The passkeys of a user, the oldest first.
SELECT id, name, credential, created_at, last_used_at FROM passkeys WHERE user_id = @user_id ORDER BY created_at, id LIMIT 100;

-- name: UsePasskey :exec
-- Stores the counter and flags that a passkey sent with a login.
UPDATE passkeys SET credential = @credential, last_used_at = now() WHERE id = @id AND user_id = @user_id;

-- name: DeletePasskey :execrows
-- Removes a passkey of a user.
DELETE FROM passkeys WHERE id = @id AND user_id = @user_id;
