-- name: ExportUser :one
-- All that is stored about a user, as JSON, without secrets. Of tasks and audit entries the newest max_rows are in it, and
-- "complete" says whether these are all.
SELECT json_build_object(
    'user', json_build_object('id', u.id, 'email', u.email, 'name', u.name, 'hasPassword', u.password_hash IS NOT NULL, 'passwordChangedAt', u.password_changed_at,
        'createdAt', u.created_at, 'lastLoginAt', u.last_login_at, 'disabledAt', u.disabled_at),
    'memberships', (SELECT coalesce(json_agg(json_build_object('accountId', m.account_id, 'role', m.role, 'since', m.created_at) ORDER BY m.created_at, m.account_id), '[]')
        FROM memberships m WHERE m.user_id = u.id),
    'identities', (SELECT coalesce(json_agg(json_build_object('issuer', i.issuer, 'subject', i.subject, 'createdAt', i.created_at) ORDER BY i.created_at, i.issuer), '[]')
        FROM identities i WHERE i.user_id = u.id),
    'sessions', (SELECT coalesce(json_agg(json_build_object('id', s.id, 'accountId', s.account_id, 'createdAt', s.created_at, 'lastSeenAt', s.last_seen_at, 'expiresAt', s.expires_at,
        'revokedAt', s.revoked_at, 'address', host(s.address), 'userAgent', s.user_agent) ORDER BY s.created_at, s.id), '[]')
        FROM sessions s WHERE s.user_id = u.id),
    'keys', (SELECT coalesce(json_agg(json_build_object('id', k.id, 'accountId', k.account_id, 'name', k.name, 'scopes', k.scopes, 'allowedNets', k.allowed_nets, 'createdAt', k.created_at,
        'expiresAt', k.expires_at, 'lastUsedAt', k.last_used_at, 'lastUsedFrom', host(k.last_used_from), 'revokedAt', k.revoked_at) ORDER BY k.created_at, k.id), '[]')
        FROM api_keys k WHERE k.user_id = u.id),
    'passkeys', (SELECT coalesce(json_agg(json_build_object('name', p.name, 'createdAt', p.created_at, 'lastUsedAt', p.last_used_at) ORDER BY p.created_at, p.id), '[]')
        FROM passkeys p WHERE p.user_id = u.id),
    'invitations', (SELECT coalesce(json_agg(json_build_object('id', n.id, 'accountId', n.account_id, 'email', n.email, 'role', n.role, 'createdAt', n.created_at,
        'expiresAt', n.expires_at, 'acceptedAt', n.accepted_at) ORDER BY n.created_at, n.id), '[]')
        FROM invitations n WHERE n.created_by = u.id),
    'audit', (SELECT coalesce(json_agg(json_build_object('id', a.id, 'at', a.at, 'accountId', a.account_id, 'action', a.action, 'target', a.target, 'address', host(a.address),
        'details', a.details) ORDER BY a.id DESC), '[]')
        FROM (SELECT * FROM audit_log l WHERE l.actor_kind = 'user' AND l.actor_id = u.id::text ORDER BY l.id DESC LIMIT @max_rows::integer) a),
    'tasks', (SELECT coalesce(json_agg(json_build_object('id', t.id, 'accountId', t.account_id, 'question', t.question, 'createdAt', t.created_at) ORDER BY t.created_at DESC, t.id), '[]')
        FROM (SELECT * FROM tasks q WHERE q.created_by_user = u.id ORDER BY q.created_at DESC, q.id LIMIT @max_rows::integer) t),
    'complete', (SELECT count(*) FROM tasks q WHERE q.created_by_user = u.id) <= @max_rows::integer
        AND (SELECT count(*) FROM audit_log l WHERE l.actor_kind = 'user' AND l.actor_id = u.id::text) <= @max_rows::integer
)::text AS document
FROM users u WHERE u.id = @id AND u.erased_at IS NULL;

-- name: SessionIsFresh :one
-- Whether a session of a user began within the last seconds.
SELECT EXISTS (SELECT 1 FROM sessions WHERE id = @id AND user_id = @user_id AND revoked_at IS NULL
    AND created_at > now() - make_interval(secs => @seconds::float8));

-- name: LockUserToErase :one
-- Locks a user against every change, and against new rows that refer to it, and returns the e-mail address. No row: there is
-- no such user, or it is erased.
SELECT email FROM users WHERE id = @id AND erased_at IS NULL FOR UPDATE;

-- name: AccountsToLeave :many
-- The accounts of a user, in the order in which their owners are locked.
SELECT account_id FROM memberships WHERE user_id = @user_id ORDER BY account_id;

-- name: AccountIsUsedByOthers :one
-- Whether an account has tasks, or members besides this user.
SELECT (EXISTS (SELECT 1 FROM memberships m WHERE m.account_id = @account_id AND m.user_id <> @user_id)
    OR EXISTS (SELECT 1 FROM tasks t WHERE t.account_id = @account_id))::boolean AS used;

-- name: EraseUser :exec
-- Empties what a user's row says about the person. The row stays, because the audit log refers to its id.
UPDATE users SET email = 'erased-' || id || '@erased.invalid', name = '', password_hash = NULL, password_changed_at = NULL, last_login_at = NULL,
    disabled_at = coalesce(disabled_at, now()), erased_at = now()
WHERE id = @id;

-- name: EraseSessions :exec
-- Removes the sessions of a user, with their tickets.
DELETE FROM sessions WHERE user_id = @user_id;

-- name: EraseKeys :exec
-- Removes the keys of a user, with their tickets. Tasks that they submitted stay.
DELETE FROM api_keys WHERE user_id = @user_id::uuid;

-- name: EraseIdentities :exec
-- Removes the links of a user to OpenID providers.
DELETE FROM identities WHERE user_id = @user_id;

-- name: ErasePasskeys :exec
-- Removes the passkeys of a user.
DELETE FROM passkeys WHERE user_id = @user_id;

-- name: EraseChallenges :exec
-- Removes the logins and registrations of a user that wait for an answer.
DELETE FROM login_challenges WHERE user_id = @user_id::uuid;

-- name: EraseMemberships :exec
-- Ends the memberships of a user.
DELETE FROM memberships WHERE user_id = @user_id;

-- name: EraseAuthorship :exec
-- Tasks that a user submitted stay with their account, without their author.
UPDATE tasks SET created_by_user = NULL WHERE created_by_user = @user_id::uuid;

-- name: EraseInvitations :exec
-- Removes the invitations of an e-mail address, those that a user accepted, and those that the user made and nobody accepted.
DELETE FROM invitations WHERE email = @email::text OR accepted_by = @user_id::uuid OR (created_by = @user_id::uuid AND accepted_at IS NULL);
