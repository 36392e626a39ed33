-- Says of the columns that no query of the program reads why they are kept.

-- +goose Up
COMMENT ON COLUMN runs.worker_id IS 'The worker that held the task. Only reports read it: which process lost runs, and how many.';
COMMENT ON COLUMN runs.try IS 'The try of the task in this run. Only reports read it: how many runs a try took.';
COMMENT ON COLUMN accounts.created_at IS 'Only reports read it: how long an account has existed.';
