-- What models cost, which worker has which, and what a follow-up begins with.

-- +goose Up
ALTER TABLE steps ADD COLUMN cost_usd double precision CHECK (cost_usd >= 0);
COMMENT ON COLUMN steps.cost_usd IS 'Of a model reply, in US dollars by MODEL_PRICES when it was journaled; NULL where the model has no price.';

ALTER TABLE tasks
    ADD COLUMN max_tokens bigint CHECK (max_tokens > 0),
    ADD COLUMN unserved_since timestamptz,
    ADD COLUMN context json CHECK (json_typeof(context) = 'object');
COMMENT ON COLUMN tasks.max_tokens IS 'Tokens after which research ends; NULL: TASK_MAX_TOKENS alone bounds it.';
COMMENT ON COLUMN tasks.unserved_since IS 'When a live worker that has the pinned model was last seen, or the task first handed on for want of one; NULL while it is not.';
COMMENT ON COLUMN tasks.context IS 'Of a follow-up: questions, oldest first, and answer of the task it follows, kept because that task may be deleted.';

ALTER TABLE workers
    ADD COLUMN provider text NOT NULL DEFAULT 'reader',
    ADD COLUMN model text NOT NULL DEFAULT '',
    ADD COLUMN prompt_version text NOT NULL DEFAULT '';
COMMENT ON COLUMN workers.provider IS 'With model and prompt_version: what tasks that begin here are pinned to. Every worker has the built-in reader beside it.';

ALTER TABLE visits ADD COLUMN inherited boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN visits.inherited IS 'A reading of the task that this one follows up, copied with the evidence from it; it is no page opened by this task.';
