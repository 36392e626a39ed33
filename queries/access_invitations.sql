-- name: CreateInvitation :one
-- Stores an invitation to become a member. Returns the row with the fields of the list of invitations.
INSERT INTO invitations (id, account_id, email, role, secret_hash, created_by, expires_at)
VALUES (@id, @account_id, sqlc.narg(email)::text, @role, @secret_hash, sqlc.narg(created_by)::uuid, now() + make_interval(secs => @lifetime_seconds::float8))
RETURNING id, account_id, email, role, created_by, created_at, expires_at, accepted_at;

-- name: Invitations :many
-- The invitations of an account, the newest first.
SELECT id, account_id, email, role, created_by, created_at, expires_at, accepted_at
FROM invitations WHERE account_id = @account_id ORDER BY created_at DESC, id LIMIT 1000;

-- name: RevokeInvitation :execrows
-- Removes an invitation that was not accepted.
DELETE FROM invitations WHERE id = @id AND account_id = @account_id AND accepted_at IS NULL;

-- name: InvitationRole :one
-- The role of an invitation of an account that was not accepted.
SELECT role FROM invitations WHERE id = @id AND account_id = @account_id AND accepted_at IS NULL;

-- name: LockInvitation :one
-- Locks and returns an invitation, so that it is accepted once.
SELECT id, account_id, email, role, secret_hash, (accepted_at IS NOT NULL)::boolean AS accepted, (expires_at <= now())::boolean AS expired
FROM invitations WHERE id = @id FOR UPDATE;

-- name: AcceptInvitation :exec
-- Stores who accepted an invitation, and when.
UPDATE invitations SET accepted_at = now(), accepted_by = @user_id WHERE id = @id;

-- name: InvitationSecret :one
-- The facts that decide whether an invitation is valid.
SELECT secret_hash, (accepted_at IS NOT NULL)::boolean AS accepted, (expires_at <= now())::boolean AS expired
FROM invitations WHERE id = @id;

-- name: WithdrawSetupLinks :exec
-- Removes the links that would make another first owner, when an account has got one. Invitations of people, and those for an
-- e-mail address, stay.
DELETE FROM invitations
WHERE account_id = @account_id AND role = 'owner' AND created_by IS NULL AND email IS NULL AND accepted_at IS NULL;
