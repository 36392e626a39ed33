-- The words of passages come from internal/words, which splits documents and questions alike, and passages are ranked by
-- BM25. Passages that an older version has stored stay searchable, and a job writes their words anew.

-- +goose Up
-- +goose StatementBegin

ALTER TABLE pages ALTER COLUMN config SET DEFAULT 'simple';
COMMENT ON COLUMN pages.config IS 'The text search configuration by which versions before schema 31 split the passages. It is not used any more.';
ALTER TABLE pages ADD COLUMN words_version smallint NOT NULL DEFAULT 0 CHECK (words_version >= 0);
COMMENT ON COLUMN pages.words_version IS 'The version of internal/words that split the passages into words; 0 is PostgreSQL''s parser.';
CREATE INDEX pages_by_words_version ON pages (words_version, id);
COMMENT ON TABLE passages IS 'Spans of a snapshot that can be cited, in code points, with the words by which they are found: A the title, B the headings, D the text.';

-- A function of one expression is put into the query that calls it, so it costs no call.
CREATE FUNCTION words_found(words tsvector, asked tsquery[]) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN words @@ asked[1] THEN 1 ELSE 0 END + CASE WHEN words @@ asked[2] THEN 2 ELSE 0 END
         + CASE WHEN words @@ asked[3] THEN 4 ELSE 0 END + CASE WHEN words @@ asked[4] THEN 8 ELSE 0 END
         + CASE WHEN words @@ asked[5] THEN 16 ELSE 0 END + CASE WHEN words @@ asked[6] THEN 32 ELSE 0 END
         + CASE WHEN words @@ asked[7] THEN 64 ELSE 0 END + CASE WHEN words @@ asked[8] THEN 128 ELSE 0 END
         + CASE WHEN words @@ asked[9] THEN 256 ELSE 0 END + CASE WHEN words @@ asked[10] THEN 512 ELSE 0 END
         + CASE WHEN words @@ asked[11] THEN 1024 ELSE 0 END + CASE WHEN words @@ asked[12] THEN 2048 ELSE 0 END
         + CASE WHEN words @@ asked[13] THEN 4096 ELSE 0 END + CASE WHEN words @@ asked[14] THEN 8192 ELSE 0 END
         + CASE WHEN words @@ asked[15] THEN 16384 ELSE 0 END + CASE WHEN words @@ asked[16] THEN 32768 ELSE 0 END
         + CASE WHEN words @@ asked[17] THEN 65536 ELSE 0 END + CASE WHEN words @@ asked[18] THEN 131072 ELSE 0 END
         + CASE WHEN words @@ asked[19] THEN 262144 ELSE 0 END + CASE WHEN words @@ asked[20] THEN 524288 ELSE 0 END
         + CASE WHEN words @@ asked[21] THEN 1048576 ELSE 0 END + CASE WHEN words @@ asked[22] THEN 2097152 ELSE 0 END
         + CASE WHEN words @@ asked[23] THEN 4194304 ELSE 0 END + CASE WHEN words @@ asked[24] THEN 8388608 ELSE 0 END;
COMMENT ON FUNCTION words_found IS 'Which of at most 24 words a passage has, as bits: 1 for the first word, 2 for the second, 4 for the third.';

-- +goose StatementEnd
