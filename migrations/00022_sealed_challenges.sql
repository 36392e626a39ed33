-- What the answer of a login is checked against is sealed (internal/sealed), because it has secrets: nonce and PKCE verifier.
-- Logins that are under way have to begin again.

-- +goose Up
-- +goose StatementBegin
DELETE FROM login_challenges;
ALTER TABLE login_challenges DROP COLUMN data,
    ADD COLUMN box bytea NOT NULL CHECK (octet_length(box) BETWEEN 45 AND 16384);
COMMENT ON COLUMN login_challenges.box IS 'What the answer is checked against (nonce, PKCE verifier, WebAuthn challenge), sealed with a key of LEGWORK_SECRET_KEY, or, without one, with the secret in the cookie.';
-- +goose StatementEnd
