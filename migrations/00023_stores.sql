-- A search for words that every script has, and where files are kept.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION in_pairs(t text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    -- Chinese, Japanese, Bopomofo, Yi, Thai, Lao, Burmese and Khmer letters.
    letters constant text := '[\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u108f\u1780-\u17d3\u17d7\u17dc'
        '\u2e80-\u2fd5\u3005\u3007\u3021-\u3029\u3038-\u303b\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf'
        '\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4c6\ua9e0-\ua9ef\uaa60-\uaa7f\uf900-\ufad9\uff66-\uff9d\U00020000-\U000323af]';
BEGIN
    IF t !~ letters THEN
        RETURN t;
    END IF;
    RETURN (SELECT string_agg(CASE WHEN NOT c.letter THEN c.ch
                                   WHEN c.next_letter THEN ' ' || c.ch || c.next
                                   ELSE ' ' || c.ch || ' ' END, '' ORDER BY c.n)
            FROM (SELECT s.ch, s.n, s.letter, lead(s.ch) OVER (ORDER BY s.n) AS next, lead(s.letter) OVER (ORDER BY s.n) AS next_letter
                  FROM (SELECT x.ch, x.n, x.ch ~ letters AS letter FROM string_to_table(t, NULL) WITH ORDINALITY AS x(ch, n)) s) c);
END $$;
COMMENT ON FUNCTION in_pairs IS 'The text with each run of letters of scripts without spaces between words as its overlapping pairs and its last letter, so that to_tsvector finds a word anywhere in a sentence. Questions and searches are split in the same way.';

CREATE OR REPLACE FUNCTION task_document(question text, answer text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('simple', in_pairs(question || ' ' || left(coalesce(answer, ''), 20000)));
SET LOCAL maintenance_work_mem = '256MB';
REINDEX INDEX tasks_document;

ALTER TABLE artifacts ADD COLUMN store_id text NOT NULL DEFAULT '';
COMMENT ON COLUMN artifacts.store_id IS 'The store that has the file: the id in the file .legwork-store of a folder, or the address of a bucket. Empty: not known, since an older version wrote it.';
-- +goose StatementEnd
