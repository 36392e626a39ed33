-- What makes a submission that is sent twice one task. No foreign key to tasks: a key outlives its task, so that a late
-- repetition hears that the task is gone and does not make another one.

-- +goose Up
-- +goose StatementBegin

CREATE TABLE idempotency_keys (
    account_id   text        NOT NULL REFERENCES accounts,
    key          text        NOT NULL CHECK (key ~ '^[!-~]{1,255}$'),
    request_hash bytea       NOT NULL CHECK (length(request_hash) = 32),
    task_id      uuid        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, key)
);
COMMENT ON TABLE idempotency_keys IS 'Idempotency-Key headers of the last 24 hours. request_hash is the SHA-256 of the submission, normalised and defaulted.';
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

-- +goose StatementEnd
