-- What a reading says of its page beside the text, and what lets a later task take the page from its snapshot.

-- +goose Up
-- +goose StatementBegin

ALTER TABLE visits
    ADD COLUMN canonical_url text        NOT NULL DEFAULT '',
    ADD COLUMN published_at  timestamptz,
    ADD COLUMN modified_at   timestamptz,
    ADD COLUMN links         json,
    ADD COLUMN cached        boolean     NOT NULL DEFAULT false;
COMMENT ON COLUMN visits.canonical_url IS 'The address that the page itself names as its own, on the same site; empty: none.';
COMMENT ON COLUMN visits.published_at IS 'As the page says; nobody has checked it. modified_at likewise, or by the Last-Modified header.';
COMMENT ON COLUMN visits.links IS 'The links of the page, for tasks that take it from its snapshot; null where none may.';
COMMENT ON COLUMN visits.cached IS 'The page was taken from the snapshot of an earlier visit; no request was made.';

-- An account''s newest reading of an address. Of its hash, because an address can be longer than an index entry.
CREATE INDEX visits_by_url ON visits (account_id, md5(url), fetched_at DESC) WHERE page_id IS NOT NULL AND links IS NOT NULL;

ALTER TABLE tasks ADD COLUMN fresh boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN tasks.fresh IS 'Every page is requested, whatever PAGE_TTL says.';

-- +goose StatementEnd
