-- Streams are counted only while something limits the streams of their account.

-- +goose Up
-- +goose StatementBegin
DROP FUNCTION open_stream(uuid, text, text, jsonb, float8);
CREATE FUNCTION open_stream(this_process uuid, account text, key text, defaults jsonb, fresh_seconds float8, OUT counted boolean, OUT most bigint, OUT by_key boolean)
    LANGUAGE plpgsql AS $$
DECLARE
    l usage_limits;
BEGIN
    IF defaults ? 'open_streams' OR EXISTS (SELECT 1 FROM usage_limits u WHERE u.account_id = account AND u.open_streams IS NOT NULL) THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('legwork streams ' || account, 0));
        FOR l IN SELECT * FROM limits_of(account, key, defaults) LOOP
            IF l.open_streams <= (SELECT coalesce(sum(o.streams), 0) FROM open_streams o
                    WHERE o.account_id = account AND (l.key_id = '' OR o.key_id = l.key_id)
                      AND o.seen_at > clock_timestamp() - make_interval(secs => fresh_seconds)) THEN
                most := l.open_streams;
                by_key := l.key_id <> '';
                RETURN;
            END IF;
        END LOOP;
        INSERT INTO open_streams AS o (process, account_id, key_id, streams) VALUES (this_process, account, key, 1)
        ON CONFLICT (process, account_id, key_id) DO UPDATE SET streams = o.streams + 1, seen_at = clock_timestamp();
        counted := true;
    END IF;
END $$;
COMMENT ON FUNCTION open_stream IS 'Counts a stream that a process opens, if streams of the account are limited. A value of most refuses it: the account or key has that many open already.';
-- +goose StatementEnd
