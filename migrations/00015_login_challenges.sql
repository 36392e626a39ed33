-- Logins that take several requests: at an OpenID provider, and with a passkey. Passkeys.

-- +goose Up
-- +goose StatementBegin
CREATE UNLOGGED TABLE login_challenges (
    secret_hash bytea       PRIMARY KEY CHECK (octet_length(secret_hash) = 32),
    kind        text        NOT NULL CHECK (kind IN ('openid','passkey_login','passkey_registration')),
    user_id     uuid        REFERENCES users ON DELETE CASCADE,
    data        jsonb       NOT NULL CHECK (jsonb_typeof(data) = 'object' AND octet_length(data::text) <= 8192),
    expires_at  timestamptz NOT NULL
);
CREATE INDEX login_challenges_by_expiry ON login_challenges (expires_at);
COMMENT ON TABLE login_challenges IS 'A login or registration that waits for the answer of an OpenID provider or of a passkey. The browser that began it holds the secret in a cookie. The answer deletes the row, so it counts once.';
COMMENT ON COLUMN login_challenges.data IS 'What the answer is checked against: nonce, PKCE verifier, WebAuthn challenge.';

CREATE TABLE passkeys (
    id           bytea       PRIMARY KEY CHECK (octet_length(id) BETWEEN 1 AND 1023),
    user_id      uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
    name         text        NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    credential   jsonb       NOT NULL CHECK (jsonb_typeof(credential) = 'object'),
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_used_at timestamptz
);
CREATE INDEX passkeys_by_user ON passkeys (user_id);
COMMENT ON TABLE passkeys IS 'A WebAuthn credential with which a user logs in without a password.';
COMMENT ON COLUMN passkeys.credential IS 'Public key, signature counter and flags, as the WebAuthn library writes them. No secrets: the private key never leaves the device.';

CREATE FUNCTION count_login_attempt(the_subject text, free integer, base_seconds float8, most_seconds float8) RETURNS float8 LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO login_attempts AS a (subject, failures, last_at, locked_until) VALUES (the_subject, 1, now(), now())
    ON CONFLICT (subject) DO UPDATE SET
        failures = CASE WHEN a.last_at < now() - interval '1 day' THEN 1 ELSE a.failures + 1 END,
        last_at = now(),
        locked_until = CASE WHEN a.last_at < now() - interval '1 day' OR a.failures + 1 < free THEN now()
            ELSE now() + interval '1 second' * least(most_seconds, base_seconds * power(2, least(30, a.failures + 1 - free))) END
    WHERE a.locked_until <= now();
    IF FOUND THEN
        RETURN 0;
    END IF;
    RETURN coalesce((SELECT greatest(0.001, extract(epoch FROM locked_until - now())) FROM login_attempts WHERE subject = the_subject), 0.001);
END $$;
COMMENT ON FUNCTION count_login_attempt IS 'Counts a login attempt as failed, and returns 0; or returns for how many seconds the subject is locked, and counts nothing. The n-th failure in a row locks for base × 2^(n − free) seconds from the free-th on, at most for most_seconds. A day without a failure begins anew.';
-- +goose StatementEnd
