-- The kinds of a snapshot's blocks, so that its page shows a listing as a listing and a heading as a heading.

-- +goose Up
ALTER TABLE pages ADD COLUMN blocks json CHECK (json_typeof(blocks) = 'array');
COMMENT ON COLUMN pages.blocks IS 'The parts of the content that are not ordinary paragraphs, in order: [kind, start, end] each, in code points, end exclusive. NULL: not known, and guessed from the text.';
