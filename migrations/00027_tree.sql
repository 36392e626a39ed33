-- Deep research is a tree of tasks. A deep task plans sub-questions, inserts each as a task of its own (a child), and waits
-- without a run and without a job until all of them have ended. Then it answers from their evidence.

-- +goose Up
-- +goose StatementBegin
ALTER TABLE tasks
    ADD COLUMN confirm_plan boolean NOT NULL DEFAULT false,
    ADD COLUMN waiting_for text CHECK (waiting_for IN ('plan','children','turn')),
    ADD CONSTRAINT tasks_waiting_held CHECK (waiting_for IS NULL OR status <> 'queued' OR held AND held_since IS NULL),
    DROP CONSTRAINT tasks_max_pages_check,
    ADD CONSTRAINT tasks_max_pages_check CHECK (max_pages BETWEEN 1 AND 300);
COMMENT ON COLUMN tasks.confirm_plan IS 'Whether a deep task waits for its user to confirm the plan.';
COMMENT ON COLUMN tasks.waiting_for IS 'What a queued task without a job waits for: plan (its user confirms the plan), children (they end) or turn (a child waits because enough children of its parent are at work). held_since is then NULL. NULL: nothing of these.';
COMMENT ON COLUMN tasks.max_pages IS 'Pages that the task opens at most; of a deep task: its children together. The API allows 50, and 300 for a deep task.';
CREATE INDEX tasks_waiting_for ON tasks (waiting_for) WHERE waiting_for IS NOT NULL;

ALTER TABLE runs
    DROP CONSTRAINT runs_outcome_check,
    ADD CONSTRAINT runs_outcome_check CHECK (outcome IN ('completed','failed','cancelled','retry','handed_back','lost','waiting'));
COMMENT ON COLUMN runs.outcome IS 'How the run ended. waiting: the task waits for its plan or its children.';

CREATE TABLE tree_nodes (
    task_id            uuid    PRIMARY KEY REFERENCES tasks ON DELETE CASCADE,
    depth              integer NOT NULL CHECK (depth BETWEEN 1 AND 2),
    parent_id          uuid,
    parent_depth       integer GENERATED ALWAYS AS (depth - 1) STORED,
    number             integer CHECK (number BETWEEN 1 AND 12),
    round              integer CHECK (round BETWEEN 1 AND 2),
    pages              bigint  NOT NULL CHECK (pages >= 0),
    seconds            bigint  NOT NULL CHECK (seconds >= 0),
    tokens             bigint  CHECK (tokens >= 0),
    microdollars       bigint  CHECK (microdollars >= 0),
    given_pages        bigint  NOT NULL DEFAULT 0,
    given_seconds      bigint  NOT NULL DEFAULT 0,
    given_tokens       bigint  NOT NULL DEFAULT 0,
    given_microdollars bigint  NOT NULL DEFAULT 0,
    own_seconds        bigint  NOT NULL DEFAULT 0 CHECK (own_seconds >= 0),
    own_tokens         bigint  CHECK (own_tokens >= 0),
    own_microdollars   bigint  CHECK (own_microdollars >= 0),
    plan               json,
    waits_until        timestamptz,
    UNIQUE (task_id, depth),
    UNIQUE (parent_id, number),
    FOREIGN KEY (parent_id, parent_depth) REFERENCES tree_nodes (task_id, depth) ON DELETE CASCADE,
    CHECK ((depth = 1) = (parent_id IS NULL) AND (depth = 1) = (number IS NULL) AND (depth = 1) = (round IS NULL)),
    CHECK (given_pages BETWEEN 0 AND pages),
    CHECK (given_seconds BETWEEN 0 AND seconds),
    CHECK (tokens IS NULL OR given_tokens BETWEEN 0 AND tokens),
    CHECK (microdollars IS NULL OR given_microdollars BETWEEN 0 AND microdollars)
) WITH (fillfactor = 50);
COMMENT ON TABLE tree_nodes IS 'The deep tasks that have a plan (depth 1), and their children (depth 2). The parent of a child has depth 1, so there is no cycle, and the numbers allow 12 children.';
COMMENT ON COLUMN tree_nodes.number IS 'The number of a child among the children of its parent, over both rounds.';
COMMENT ON COLUMN tree_nodes.round IS '1: from the first plan. 2: for what the first children did not find, or contradicted each other in.';
COMMENT ON COLUMN tree_nodes.pages IS 'With seconds, tokens and microdollars: of a deep task, its pool, which all shares come from; of a child, its share. NULL: any amount. When a child ends, its share becomes what it used of it.';
COMMENT ON COLUMN tree_nodes.given_pages IS 'With given_seconds, given_tokens and given_microdollars: what has been given of the pool. A share is given by an update of this row, whose lock and checks keep the sum of the shares within the pool.';
COMMENT ON COLUMN tree_nodes.own_seconds IS 'With own_tokens and own_microdollars: the share of the deep task itself, for the plan and the answer. It is a part of what has been given. NULL: any amount.';
COMMENT ON COLUMN tree_nodes.plan IS 'The plan that waits for its user, or that the children of the present round were made from.';
COMMENT ON COLUMN tree_nodes.waits_until IS 'When a deep task stops waiting. Then children that have not ended fail, and a task without a confirmed plan fails.';
-- +goose StatementEnd
