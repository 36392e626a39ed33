-- What sqlc must know of River's table to check our read-only queries against it. River's own migrations create it.
CREATE TABLE river_job (
    id           bigint PRIMARY KEY,
    state        text NOT NULL,
    attempted_at timestamptz,
    kind         text NOT NULL,
    queue        text NOT NULL,
    args         jsonb NOT NULL,
    metadata     jsonb NOT NULL
);
