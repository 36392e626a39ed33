-- The columns of River's table that our read-only queries use, so that sqlc can check the queries. River's own migrations
-- create the table.
CREATE TABLE river_job (
    id           bigint PRIMARY KEY,
    state        text NOT NULL,
    attempted_at timestamptz,
    kind         text NOT NULL,
    queue        text NOT NULL,
    args         jsonb NOT NULL,
    metadata     jsonb NOT NULL
);
