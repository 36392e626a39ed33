-- name: InsertPage :one
-- Stores a snapshot and returns its key. No row: a snapshot with the same text exists already.
INSERT INTO pages (sha256, title, language, config, chars, content, blocks)
VALUES (@sha256, @title, @language, CAST(@config::text AS regconfig), char_length(@content), @content, sqlc.narg(blocks))
ON CONFLICT (sha256) DO NOTHING
RETURNING id;

-- name: HoldPage :one
-- Locks a snapshot, so that it cannot be removed before this transaction's visit refers to it. No row: the snapshot was
-- just removed.
SELECT id FROM pages WHERE sha256 = @sha256 FOR KEY SHARE;

-- name: InsertPassages :exec
-- Stores passages of a new snapshot. The texts of the passages are parameters, and only the index stores their words. If
-- the statement cut the texts out of the snapshot, PostgreSQL would read the snapshot from its beginning for each
-- passage, which took 9.9 s for 477,000 characters. Many passages have the same headings: each heading path is sent and
-- split into words once. heads has the places of the passages' heading paths in headings, from 1. For scripts without
-- spaces between words, internal/bigrams has added spaces to titles, headings and texts.
WITH page AS MATERIALIZED (
    SELECT id, config, setweight(to_tsvector(config, left(@title::text, 1000)), 'A') AS titled FROM pages WHERE id = @page_id
), headed AS MATERIALIZED (
    SELECT h.number, h.heading, page.titled || setweight(to_tsvector(page.config, left(h.words, 2000)), 'B') AS tsv
    FROM page, (SELECT unnest(@headings::text[]) AS heading, unnest(@heading_words::text[]) AS words,
                       generate_subscripts(@headings::text[], 1) AS number) h
)
INSERT INTO passages (page_id, ord, start_offset, end_offset, heading, tsv)
SELECT page.id, i.ord, i.start_offset, i.end_offset, headed.heading, headed.tsv || to_tsvector(page.config, i.text)
FROM page, (SELECT unnest(@ords::integer[]) AS ord, unnest(@starts::integer[]) AS start_offset, unnest(@ends::integer[]) AS end_offset,
                   unnest(@heads::integer[]) AS head, unnest(@texts::text[]) AS text) i
JOIN headed ON headed.number = i.head;

-- name: InsertVisit :exec
-- Stores a visit: one load of one URL by a task.
INSERT INTO visits (id, account_id, task_id, page_id, url, final_url, outcome, message, status, title, depth, bytes, millis, fetched_at,
                    canonical_url, published_at, modified_at, source_kind, links, cached)
SELECT @id, t.account_id, t.id, sqlc.narg(page_id), @url, @final_url, @outcome, @message, @status, @title, @depth, @bytes, @millis, @at,
       @canonical_url, sqlc.narg(published_at), sqlc.narg(modified_at), @source_kind, sqlc.narg(links), @cached
FROM tasks t WHERE t.id = @task_id;

-- name: InsertLibraryVisit :exec
-- Stores a visit of an account's library, which belongs to no task.
INSERT INTO visits (id, account_id, page_id, url, final_url, outcome, message, status, title, depth, bytes, millis, fetched_at,
                    canonical_url, published_at, modified_at, source_kind, links)
VALUES (@id, @account_id, @page_id, @url, @final_url, 'ok', '', @status, @title, @depth, @bytes, @millis, clock_timestamp(),
        @canonical_url, sqlc.narg(published_at), sqlc.narg(modified_at), @source_kind, @links);

-- name: LibraryPage :one
-- The snapshot of a URL in an account's library.
SELECT encode(p.sha256, 'hex')::text AS page_id FROM visits v JOIN pages p ON p.id = v.page_id
WHERE v.account_id = @account_id AND md5(v.url) = md5(@url::text) AND v.url = @url AND v.task_id IS NULL AND v.page_id IS NOT NULL AND v.links IS NOT NULL
ORDER BY v.fetched_at DESC LIMIT 1;

-- name: DeleteLibraryVisits :execrows
-- Removes the visits of a URL from an account's library, before a newer text replaces the old one. Evidence never refers
-- to these visits, because a task that reads a page from the library gets a visit of its own.
DELETE FROM visits
WHERE account_id = @account_id AND md5(url) = md5(@url::text) AND url = @url AND task_id IS NULL AND page_id IS NOT NULL AND links IS NOT NULL;

-- name: RecallVisit :one
-- An account's newest visit of one of the given URLs, with its snapshot, if it is not older than max_age seconds. A
-- negative max_age means any age.
SELECT v.final_url, v.status, v.title, v.fetched_at, v.canonical_url, v.published_at, v.modified_at, v.source_kind, v.links,
       p.id AS page_key, encode(p.sha256, 'hex')::text AS page_id, p.title AS page_title, p.language, p.content, p.blocks
FROM visits v JOIN pages p ON p.id = v.page_id
WHERE v.account_id = @account_id AND v.page_id IS NOT NULL AND v.links IS NOT NULL
  AND md5(v.url) = ANY(@hashes::text[]) AND v.url = ANY(@urls::text[])
  AND (@max_age::float8 < 0 OR v.fetched_at > clock_timestamp() - make_interval(secs => @max_age::float8))
ORDER BY v.fetched_at DESC LIMIT 1;

-- name: PagePassages :many
-- The passages of a snapshot in order.
SELECT ord, start_offset, end_offset, heading FROM passages WHERE page_id = @page_id ORDER BY ord;

-- name: TaskVisits :many
-- The visits of a task, in order.
SELECT v.id, v.url, v.final_url, v.outcome, v.message, v.status, v.title, coalesce(encode(p.sha256, 'hex'), '')::text AS page_id, v.depth, v.bytes, v.millis, v.fetched_at,
       v.canonical_url, v.published_at, v.modified_at, v.source_kind, v.cached, p.language
FROM visits v LEFT JOIN pages p ON p.id = v.page_id WHERE v.task_id = @task_id ORDER BY v.fetched_at, v.id;

-- name: TaskPages :many
-- The visits of a task, in order, with title, language and size of their snapshots, and how often the answer cites each.
SELECT v.id, v.url, v.final_url, v.outcome, v.message, v.status, v.title, coalesce(encode(p.sha256, 'hex'), '')::text AS page_id, v.depth, v.fetched_at,
       coalesce(p.title, '')::text AS page_title, coalesce(p.language, '')::text AS language, coalesce(p.chars, 0)::integer AS chars,
       (SELECT count(*) FROM evidence e WHERE e.task_id = v.task_id AND e.page_id = v.page_id AND e.marker IS NOT NULL)::integer AS cited
FROM visits v LEFT JOIN pages p ON p.id = v.page_id
WHERE v.task_id = @task_id ORDER BY v.fetched_at, v.id;

-- name: TaskPage :one
-- A snapshot that a task of an account read, with the fields of its newest visit.
SELECT encode(p.sha256, 'hex')::text AS page_id, p.title AS page_title, p.language, p.content, p.blocks, v.id, v.url, v.final_url, v.title, v.status, v.depth, v.fetched_at
FROM visits v JOIN tasks t ON t.id = v.task_id JOIN pages p ON p.id = v.page_id
WHERE v.task_id = @task_id::uuid AND t.account_id = @account_id AND p.sha256 = @sha256
ORDER BY v.fetched_at DESC, v.id DESC LIMIT 1;

-- name: PageContent :one
-- A snapshot, if the account has a visit of it.
SELECT encode(p.sha256, 'hex')::text AS page_id, p.title, p.language, p.content, p.blocks
FROM pages p
WHERE p.sha256 = @sha256
  AND EXISTS (SELECT 1 FROM visits v WHERE v.page_id = p.id AND v.account_id = @account_id);

-- name: TaskPageIDs :many
-- The snapshots that these tasks and their children refer to. They are removed after the tasks, unless others use them.
SELECT DISTINCT v.page_id::bigint AS page_id FROM visits v
WHERE v.task_id IN (SELECT unnest(@task_ids::uuid[]) UNION SELECT n.task_id FROM tree_nodes n WHERE n.parent_id = ANY(@task_ids::uuid[]))
  AND v.page_id IS NOT NULL
ORDER BY 1;

-- name: LockPages :many
-- Locks snapshots that may be removed, in the order of their ids. Snapshots that another transaction has locked are
-- skipped, because a new visit is going to refer to them.
SELECT p.id FROM pages p WHERE p.id = ANY(@ids::bigint[]) ORDER BY p.id FOR UPDATE SKIP LOCKED;

-- name: CollectPages :execrows
-- Removes the locked snapshots that nothing refers to. It must be a statement after LockPages: a statement sees only
-- what was committed before it began, and a visit may be committed until the lock is taken.
DELETE FROM pages p WHERE p.id = ANY(@ids::bigint[])
  AND NOT EXISTS (SELECT 1 FROM visits v WHERE v.page_id = p.id)
  AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.page_id = p.id);

-- name: QuestionTerms :many
-- The different lexemes of a question under one text search configuration.
SELECT lexeme::text FROM unnest(tsvector_to_array(to_tsvector(CAST(@config::text AS regconfig), @question::text))) AS lexeme;

-- name: RankTaskPassages :many
-- The passages of the pages that a task read that contain any lexeme of the question, best first. matched are the
-- lexemes in the passage's text, headed those in its title or headings. The reader weighs passages by them. The texts of
-- the passages are not cut out here, because for each of them PostgreSQL would read its snapshot from the beginning.
WITH read AS (
    SELECT DISTINCT ON (v.page_id) v.page_id, v.id, v.final_url, v.title
    FROM visits v WHERE v.task_id = @task_id AND v.page_id IS NOT NULL
    ORDER BY v.page_id, v.fetched_at DESC
), asked AS (
    SELECT c.config, string_agg(quote_literal(l.lexeme), ' | ')::tsquery AS query, array_agg(l.lexeme) AS lexemes
    FROM (SELECT DISTINCT p.config FROM pages p JOIN read r ON r.page_id = p.id) c,
         LATERAL unnest(tsvector_to_array(to_tsvector(c.config, @question::text))) AS l(lexeme)
    GROUP BY c.config
), best AS MATERIALIZED (
    SELECT ps.page_id, ps.ord, p.config, ts_rank_cd('{1.0, 0.5, 0.5, 0.2}', ps.tsv, a.query, 1)::float8 AS rank
    FROM read r
    JOIN pages p ON p.id = r.page_id
    JOIN asked a ON a.config = p.config
    JOIN passages ps ON ps.page_id = p.id AND ps.tsv @@ a.query
    ORDER BY rank DESC, ps.page_id, ps.ord
    LIMIT @max_rows
)
SELECT p.id AS page_key, encode(p.sha256, 'hex')::text AS page_id, p.chars, ps.ord, ps.start_offset, ps.end_offset, ps.heading, r.id AS visit_id, r.final_url AS url, r.title, b.rank,
       ARRAY(SELECT l FROM unnest(a.lexemes) l WHERE ts_filter(ps.tsv, '{d}') @@ quote_literal(l)::tsquery)::text[] AS matched,
       ARRAY(SELECT l FROM unnest(a.lexemes) l WHERE ts_filter(ps.tsv, '{a,b}') @@ quote_literal(l)::tsquery)::text[] AS headed
FROM best b
JOIN passages ps ON ps.page_id = b.page_id AND ps.ord = b.ord
JOIN pages p ON p.id = b.page_id
JOIN read r ON r.page_id = b.page_id
JOIN asked a ON a.config = b.config
ORDER BY b.rank DESC, b.page_id, b.ord;

-- name: PageTexts :many
-- The texts of snapshots.
SELECT id, content FROM pages WHERE id = ANY(@keys::bigint[]);

-- name: LibraryPages :one
-- How many visits with a page an account has. Counting stops at most. A small library is searched page by page.
SELECT count(*) FROM (
    SELECT 1 FROM visits v WHERE v.account_id = @account_id AND v.page_id IS NOT NULL LIMIT @most::bigint
) AS read;

-- name: SearchSmallLibrary :many
-- The pages that an account has read, best page first, each with the part of its best passage that fits the question.
-- The query starts from the account's pages and reads only their passages, so other accounts do not make it slower.
-- ts_rank takes a fifth of the time of ts_rank_cd, and ranks several different words of the question above one word that
-- is repeated. Each OFFSET 0 keeps the planner from using the index of words, which has the passages of all accounts.
WITH own AS MATERIALIZED (
    SELECT v.page_id, p.config
    FROM (SELECT DISTINCT w.page_id FROM visits w WHERE w.account_id = @account_id AND w.page_id IS NOT NULL) v,
         LATERAL (SELECT x.config FROM pages x WHERE x.id = v.page_id OFFSET 0) p
), asked AS MATERIALIZED (
    -- The question under each text search configuration, with the pages that have it.
    SELECT c.config, c.page_ids, q.query
    FROM (SELECT own.config, array_agg(own.page_id) AS page_ids FROM own GROUP BY own.config) c,
         LATERAL (SELECT string_agg(quote_literal(l.lexeme), ' | ')::tsquery AS query
                  FROM unnest(tsvector_to_array(to_tsvector(c.config, @question::text))) AS l(lexeme)) q
), best AS MATERIALIZED (
    -- This has no tsvector column, because rows with one would be sorted on disk.
    SELECT r.page_id, max(r.rank) AS rank
    FROM asked a,
         LATERAL (SELECT ps.page_id, ts_rank('{1.0, 0.5, 0.5, 0.2}', ps.tsv, a.query, 1) AS rank
                  FROM (SELECT x.page_id, x.tsv FROM passages x WHERE x.page_id = ANY(a.page_ids) OFFSET 0) ps
                  WHERE ps.tsv @@ a.query OFFSET 0) r
    GROUP BY r.page_id
    ORDER BY max(r.rank) DESC, r.page_id
    LIMIT @max_rows
)
-- Text is read from the snapshots of the best pages only, because each such read unpacks the whole snapshot.
SELECT encode(p.sha256, 'hex')::text AS page_id, v.final_url AS url, coalesce(nullif(v.title, ''), p.title)::text AS title,
       ts_headline(p.config, substr(p.content, b.start_offset + 1, b.end_offset - b.start_offset), a.query,
                   'StartSel="", StopSel="", MinWords=30, MaxWords=60')::text AS text, best.rank::float8 AS rank
FROM best
JOIN pages p ON p.id = best.page_id
JOIN asked a ON a.config = p.config,
     LATERAL (SELECT ps.start_offset, ps.end_offset
              FROM (SELECT * FROM passages x WHERE x.page_id = best.page_id OFFSET 0) ps
              WHERE ps.tsv @@ a.query
              ORDER BY ts_rank('{1.0, 0.5, 0.5, 0.2}', ps.tsv, a.query, 1) DESC, ps.ord LIMIT 1) b,
     LATERAL (SELECT w.final_url, w.title FROM visits w
              WHERE w.page_id = best.page_id AND w.account_id = @account_id ORDER BY w.fetched_at DESC LIMIT 1) v
ORDER BY best.rank DESC, best.page_id;

-- name: SearchLargeLibrary :many
-- SearchSmallLibrary for an account with many pages. It starts from the index of words, and leaves out the pages of other
-- accounts before it ranks.
WITH asked AS MATERIALIZED (
    SELECT c.config, string_agg(quote_literal(l.lexeme), ' | ')::tsquery AS query
    FROM (SELECT CAST(unnest(@configs::text[]) AS regconfig) AS config) c,
         LATERAL unnest(tsvector_to_array(to_tsvector(c.config, @question::text))) AS l(lexeme)
    GROUP BY c.config
), own AS MATERIALIZED (
    SELECT DISTINCT v.page_id FROM visits v WHERE v.account_id = @account_id AND v.page_id IS NOT NULL
), best AS MATERIALIZED (
    SELECT DISTINCT ON (ps.page_id) ps.page_id, ps.start_offset, ps.end_offset, p.config, a.query,
           ts_rank('{1.0, 0.5, 0.5, 0.2}', ps.tsv, a.query, 1) AS rank
    FROM asked a
    JOIN passages ps ON ps.tsv @@ a.query
    JOIN own o ON o.page_id = ps.page_id
    JOIN pages p ON p.id = ps.page_id AND p.config = a.config
    ORDER BY ps.page_id, rank DESC, ps.ord
), top AS MATERIALIZED (
    SELECT * FROM best b ORDER BY b.rank DESC, b.page_id LIMIT @max_rows
)
SELECT encode(p.sha256, 'hex')::text AS page_id, v.final_url AS url, coalesce(nullif(v.title, ''), p.title)::text AS title,
       ts_headline(t.config, substr(p.content, t.start_offset + 1, t.end_offset - t.start_offset), t.query,
                   'StartSel="", StopSel="", MinWords=30, MaxWords=60')::text AS text, t.rank::float8 AS rank
FROM top t
JOIN pages p ON p.id = t.page_id,
     LATERAL (SELECT w.final_url, w.title FROM visits w
              WHERE w.page_id = t.page_id AND w.account_id = @account_id ORDER BY w.fetched_at DESC LIMIT 1) v
ORDER BY t.rank DESC, t.page_id;
