-- Who may use the API: users, their roles in accounts, and the credentials that they and programs present.
-- Secrets are kept as SHA-256 hashes of 256 random bits; passwords as argon2id hashes.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE accounts ADD COLUMN name text NOT NULL DEFAULT '' CHECK (char_length(name) <= 200);
COMMENT ON TABLE accounts IS 'A workspace. Its members share its tasks, its library and its limits.';
COMMENT ON COLUMN accounts.name IS 'For people. Empty: show the id.';

CREATE TABLE users (
    id                  uuid PRIMARY KEY,
    email               text        NOT NULL CHECK (char_length(email) BETWEEN 3 AND 254 AND email = lower(email)),
    name                text        NOT NULL DEFAULT '' CHECK (char_length(name) <= 200),
    password_hash       text        CHECK (password_hash LIKE '$argon2id$%'),
    password_changed_at timestamptz,
    created_at          timestamptz NOT NULL DEFAULT now(),
    last_login_at       timestamptz,
    disabled_at         timestamptz,
    erased_at           timestamptz,
    CHECK ((password_hash IS NULL) OR (password_changed_at IS NOT NULL))
);
CREATE UNIQUE INDEX users_by_email ON users (email);
COMMENT ON TABLE users IS 'A person. What a user may do depends on the membership in an account.';
COMMENT ON COLUMN users.password_hash IS 'argon2id in PHC form. NULL: the user logs in by OIDC or a passkey.';
COMMENT ON COLUMN users.erased_at IS 'Since when the row holds no personal data any more. The row stays, because the audit log refers to it.';

CREATE TABLE memberships (
    account_id text        NOT NULL REFERENCES accounts ON DELETE CASCADE,
    user_id    uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    role       text        NOT NULL CHECK (role IN ('owner','admin','member','viewer')),
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, user_id)
);
CREATE INDEX memberships_by_user ON memberships (user_id);
COMMENT ON TABLE memberships IS 'The role of a user in an account.';

CREATE TABLE identities (
    issuer     text        NOT NULL CHECK (char_length(issuer) <= 2048),
    subject    text        NOT NULL CHECK (char_length(subject) <= 255),
    user_id    uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);
COMMENT ON TABLE identities IS 'Which user a person is who logs in at an OpenID provider.';

CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    secret_hash  bytea       NOT NULL CHECK (octet_length(secret_hash) = 32),
    user_id      uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    account_id   text        NOT NULL REFERENCES accounts ON DELETE CASCADE,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    address      inet,
    user_agent   text        NOT NULL DEFAULT '' CHECK (char_length(user_agent) <= 512)
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);
COMMENT ON TABLE sessions IS 'A browser that is logged in. The cookie holds the id and a secret, of which only the hash is here.';
COMMENT ON COLUMN sessions.account_id IS 'The account that the session acts in. A user with several memberships switches it.';
COMMENT ON COLUMN sessions.last_seen_at IS 'Written in batches, so up to a minute late. The idle lifetime counts from here.';
COMMENT ON COLUMN sessions.expires_at IS 'The absolute end, however busy the session is.';

CREATE TABLE api_keys (
    id             text PRIMARY KEY CHECK (id ~ '^[a-z0-9]{16}$'),
    account_id     text        NOT NULL REFERENCES accounts ON DELETE CASCADE,
    user_id        uuid        REFERENCES users ON DELETE CASCADE,
    name           text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    secret_hash    bytea       NOT NULL CHECK (octet_length(secret_hash) = 32),
    scopes         text[]      NOT NULL CHECK (cardinality(scopes) > 0
                                   AND scopes <@ ARRAY['tasks:read','tasks:write','library:read','library:write','admin']),
    allowed_nets   cidr[]      NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz,
    last_used_at   timestamptz,
    last_used_from inet,
    revoked_at     timestamptz
);
CREATE INDEX api_keys_by_account ON api_keys (account_id, created_at DESC);
CREATE INDEX api_keys_by_user ON api_keys (user_id);
COMMENT ON TABLE api_keys IS 'A credential of a program: lw_<id>_<secret>, of which only the hash of the secret is here.';
COMMENT ON COLUMN api_keys.user_id IS 'Whose key it is: it can never do more than the role of that user in the account allows. NULL: an operator made it; its scopes alone decide.';
COMMENT ON COLUMN api_keys.allowed_nets IS 'Networks from which the key may be used. Empty: any.';
COMMENT ON COLUMN api_keys.last_used_at IS 'Written in batches, so up to a minute late.';

CREATE TABLE invitations (
    id          uuid PRIMARY KEY,
    account_id  text        NOT NULL REFERENCES accounts ON DELETE CASCADE,
    email       text        CHECK (email = lower(email)),
    role        text        NOT NULL CHECK (role IN ('owner','admin','member','viewer')),
    secret_hash bytea       NOT NULL CHECK (octet_length(secret_hash) = 32),
    created_by  uuid        REFERENCES users ON DELETE SET NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    accepted_at timestamptz,
    accepted_by uuid        REFERENCES users ON DELETE SET NULL
);
CREATE INDEX invitations_by_account ON invitations (account_id, created_at DESC);
COMMENT ON TABLE invitations IS 'A link that makes whoever opens it a member, once. The set-up link of a new server is the invitation of its first owner.';
COMMENT ON COLUMN invitations.email IS 'Only a user with this address may accept. NULL: anybody with the link.';

CREATE UNLOGGED TABLE stream_tickets (
    secret_hash bytea       PRIMARY KEY CHECK (octet_length(secret_hash) = 32),
    session_id  uuid        REFERENCES sessions ON DELETE CASCADE,
    key_id      text        REFERENCES api_keys ON DELETE CASCADE,
    expires_at  timestamptz NOT NULL,
    CHECK (num_nonnulls(session_id, key_id) = 1)
);
COMMENT ON TABLE stream_tickets IS 'A credential in a URL, for streams of clients that can send neither header nor cookie. It works once, within 30 seconds.';

CREATE TABLE login_attempts (
    subject      text PRIMARY KEY CHECK (char_length(subject) <= 300),
    failures     integer     NOT NULL CHECK (failures > 0),
    last_at      timestamptz NOT NULL DEFAULT now(),
    locked_until timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE login_attempts IS 'Failed logins in a row, of an e-mail address (email:…) or a client address (address:…). A success removes the row of the e-mail address.';

CREATE TABLE audit_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at         timestamptz NOT NULL DEFAULT clock_timestamp(),
    account_id text,
    actor_kind text        NOT NULL CHECK (actor_kind IN ('user','key','token','operator','system','anonymous')),
    actor_id   text        NOT NULL DEFAULT '',
    action     text        NOT NULL CHECK (action ~ '^[a-z_]+\.[a-z_]+$'),
    target     text        NOT NULL DEFAULT '',
    address    inet,
    details    jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(details) = 'object')
);
CREATE INDEX audit_log_by_account ON audit_log (account_id, id DESC);
COMMENT ON TABLE audit_log IS 'Who did what to users, roles, credentials and data. Rows are only ever added. It refers to nothing by a foreign key, because it outlives what it names.';
COMMENT ON COLUMN audit_log.details IS 'Never secrets, and no personal data besides ids and the client address.';

CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change();

ALTER TABLE tasks
    ADD COLUMN created_by_user uuid REFERENCES users ON DELETE SET NULL,
    ADD COLUMN created_by_key  text REFERENCES api_keys ON DELETE SET NULL;
CREATE INDEX tasks_by_user ON tasks (created_by_user) WHERE created_by_user IS NOT NULL;
CREATE INDEX tasks_by_key ON tasks (created_by_key) WHERE created_by_key IS NOT NULL;
COMMENT ON COLUMN tasks.created_by_user IS 'Who submitted it. NULL: an operator, or a server without access control.';
COMMENT ON COLUMN tasks.created_by_key IS 'The API key that submitted it. NULL: none was used.';
-- +goose StatementEnd
