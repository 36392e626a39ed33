-- Literal names: the table of evidence is called evidence, a piece of it has a number, and a marker when the answer cites
-- it. No column is named like a key word of SQL. The processes of the version before do not know these names, so the
-- migration waits until their workers have stopped.

-- +goose Up
-- +goose StatementBegin
DO $$
BEGIN
    FOR i IN 1..100 LOOP
        EXIT WHEN NOT EXISTS (SELECT 1 FROM workers WHERE heartbeat_at > clock_timestamp() - interval '6 seconds');
        PERFORM pg_sleep(0.2);
    END LOOP;
    IF EXISTS (SELECT 1 FROM workers WHERE heartbeat_at > clock_timestamp() - interval '6 seconds') THEN
        RAISE EXCEPTION 'workers of an older version are running; stop all legwork processes of this database, then start the new version';
    END IF;
END $$;

ALTER TABLE citations RENAME TO evidence;
ALTER TABLE evidence RENAME COLUMN evidence TO number;
ALTER TABLE evidence RENAME COLUMN n TO marker;
ALTER TABLE evidence RENAME COLUMN start TO start_offset;
ALTER TABLE evidence RENAME COLUMN "end" TO end_offset;
ALTER INDEX citations_by_page RENAME TO evidence_by_page;
ALTER INDEX citations_by_visit RENAME TO evidence_by_visit;
COMMENT ON TABLE evidence IS 'Quotes that a task keeps as its sources. The inserting statement cuts the excerpt out of the snapshot, so no other text can get in.';
COMMENT ON COLUMN evidence.number IS 'Counts the evidence of a task from 1, in the order in which it was kept.';
COMMENT ON COLUMN evidence.marker IS 'The number in brackets by which the answer cites it, from 1; NULL: the answer does not cite it.';
COMMENT ON COLUMN evidence.start_offset IS 'In code points of the snapshot; end_offset likewise, exclusive.';

ALTER TABLE passages RENAME COLUMN start TO start_offset;
ALTER TABLE passages RENAME COLUMN "end" TO end_offset;

DO $$
DECLARE
    c record;
BEGIN
    FOR c IN SELECT conname FROM pg_constraint WHERE conrelid = 'evidence'::regclass AND conname LIKE 'citations%' LOOP
        EXECUTE format('ALTER TABLE evidence RENAME CONSTRAINT %I TO %I', c.conname, replace(c.conname, 'citations', 'evidence'));
    END LOOP;
END $$;
-- +goose StatementEnd
