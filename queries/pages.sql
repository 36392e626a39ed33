-- name: InsertPage :one
-- Stores a snapshot and returns its key. No row: a snapshot with the same text exists already.
INSERT INTO pages (sha256, title, language, chars, content, blocks, words_version)
VALUES (@sha256, @title, @language, char_length(@content), @content, sqlc.narg(blocks), @words_version)
ON CONFLICT (sha256) DO NOTHING
RETURNING id;

-- name: HoldPage :one
-- Locks a snapshot, so that it cannot be removed before this transaction's visit refers to it. No row: the snapshot was
-- just removed.
SELECT id FROM pages WHERE sha256 = @sha256 FOR KEY SHARE;

-- name: InsertPassages :exec
-- Stores passages of a new snapshot with their words. Only the index stores the words; the texts stay in the snapshot. Many passages have
-- the same headings: each heading path is sent once. heads has the places of the passages' heading paths in headings, from 1.
INSERT INTO passages (page_id, ord, start_offset, end_offset, heading, tsv)
SELECT @page_id, i.ord, i.start_offset, i.end_offset, headed.heading, i.words::tsvector
FROM (SELECT unnest(@ords::integer[]) AS ord, unnest(@starts::integer[]) AS start_offset, unnest(@ends::integer[]) AS end_offset,
             unnest(@heads::integer[]) AS head, unnest(@words::text[]) AS words) i
JOIN (SELECT unnest(@headings::text[]) AS heading, generate_subscripts(@headings::text[], 1) AS number) headed ON headed.number = i.head;

-- name: PagesToIndex :many
-- Snapshots whose passages were split into words by an older version, with their texts. Snapshots that another transaction has locked are
-- skipped.
SELECT id, title, language, content FROM pages
WHERE words_version < @words_version ORDER BY words_version, id LIMIT @max_rows
FOR NO KEY UPDATE SKIP LOCKED;

-- name: IndexPassages :exec
-- Replaces the words of passages of a snapshot.
UPDATE passages ps SET tsv = i.words::tsvector
FROM (SELECT unnest(@ords::integer[]) AS ord, unnest(@words::text[]) AS words) i
WHERE ps.page_id = @page_id AND ps.ord = i.ord;

-- name: PageIndexed :exec
-- Notes which version of the words the passages of a snapshot have, and the language by which they were split.
UPDATE pages SET words_version = @words_version, language = @language WHERE id = @id;

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

-- name: TaskSnapshots :many
-- The snapshots that a task read, with their languages.
SELECT DISTINCT v.page_id::bigint AS page_id, p.language
FROM visits v JOIN pages p ON p.id = v.page_id
WHERE v.task_id = @task_id AND v.page_id IS NOT NULL;

-- name: LibrarySnapshots :many
-- At most that many of the snapshots that an account has read, with their languages.
SELECT v.page_id::bigint AS page_id, p.language
FROM (SELECT DISTINCT w.page_id FROM visits w WHERE w.account_id = @account_id AND w.page_id IS NOT NULL LIMIT @most) v
JOIN pages p ON p.id = v.page_id;

-- name: MatchPassages :many
-- The passages of some snapshots that have any of the words asked for, best first. It reads the passages of these snapshots and no
-- others, so other accounts do not make it slower; OFFSET 0 keeps the planner from using the index of words, which has the
-- passages of all accounts. Each language has its own words, since stems differ: groups numbers the languages, and words has for
-- each an array of queries of one word. factors are the weights of passages in these languages.
-- The order is that of BM25 as if each passage had each of its words once; the caller counts and orders anew. 1.3 and 0.9 are
-- 1 + k1 (1 - b), and k1 b. With each passage come its words, and the numbers that BM25 needs: of all passages of these snapshots, how
-- many there are, their mean length, and how many have each word.
WITH asked AS MATERIALIZED (
    SELECT g.number, CAST(g.words AS tsquery[]) AS words, g.factor, o.page_ids
    FROM (SELECT unnest(@groups::integer[]) AS number, unnest(@words::text[]) AS words, unnest(@factors::float8[]) AS factor) g
    JOIN (SELECT number, array_agg(page_id) AS page_ids
          FROM (SELECT unnest(@page_ids::bigint[]) AS page_id, unnest(@page_groups::integer[]) AS number) s GROUP BY number) o USING (number)
), seen AS MATERIALIZED (
    SELECT r.page_id, r.ord, r.length, a.factor, words_found(r.tsv, a.words) AS found
    FROM asked a,
         LATERAL (SELECT x.page_id, x.ord, x.end_offset - x.start_offset AS length, x.tsv
                  FROM passages x WHERE x.page_id = ANY(a.page_ids) OFFSET 0) r
), kinds AS MATERIALIZED (
    SELECT s.found, count(*) AS n, sum(s.length) AS length FROM seen s GROUP BY s.found
), total AS MATERIALIZED (
    SELECT sum(k.n)::float8 AS n, (sum(k.length) / sum(k.n))::float8 AS average FROM kinds k
), frequent AS MATERIALIZED (
    SELECT w.number, coalesce(sum(k.n) FILTER (WHERE k.found & (1 << w.number) <> 0), 0)::float8 AS passages
    FROM (SELECT unnest(@numbers::integer[]) AS number) w, kinds k GROUP BY w.number
), rated AS MATERIALIZED (
    SELECT k.found, sum(ln(1 + (t.n - f.passages + 0.5) / (f.passages + 0.5))) AS weight
    FROM kinds k, frequent f, total t WHERE k.found & (1 << f.number) <> 0 GROUP BY k.found
), best AS MATERIALIZED (
    SELECT s.page_id, s.ord, s.length, CAST(s.factor * r.weight / (1.3 + 0.9 * s.length / t.average) AS float8) AS score
    FROM seen s JOIN rated r USING (found), total t
    ORDER BY 4 DESC, s.page_id, s.ord LIMIT @max_rows
)
SELECT ps.page_id, ps.ord, ps.start_offset, ps.end_offset, ps.heading, ps.tsv::text AS words, t.n::float8 AS passages, t.average::float8 AS average,
       (SELECT array_agg(f.passages ORDER BY f.number) FROM frequent f)::float8[] AS frequencies
FROM best b JOIN passages ps ON ps.page_id = b.page_id AND ps.ord = b.ord, total t
ORDER BY b.score DESC, b.page_id, b.ord;

-- name: SnapshotVisits :many
-- For snapshots, the newest visit of each by a task, or by an account if no task is given.
SELECT DISTINCT ON (v.page_id) v.page_id::bigint AS page_key, encode(p.sha256, 'hex')::text AS page_id, v.id, v.final_url AS url,
       coalesce(nullif(v.title, ''), p.title)::text AS title, p.language, p.chars
FROM visits v JOIN pages p ON p.id = v.page_id
WHERE v.page_id = ANY(@page_ids::bigint[])
  AND (v.task_id = sqlc.narg(task_id)::uuid OR sqlc.narg(task_id)::uuid IS NULL AND v.account_id = @account_id)
ORDER BY v.page_id, v.fetched_at DESC;

-- name: PageTexts :many
-- The texts of snapshots.
SELECT id, content FROM pages WHERE id = ANY(@keys::bigint[]);

-- name: MatchLargeLibrary :many
-- MatchPassages for an account with many snapshots. It starts from the index of words with a query for any of the words, and leaves out
-- the snapshots of other accounts before it ranks. Passages without a word asked for are not read, so their number is estimated from
-- the length of the snapshots.
WITH query AS MATERIALIZED (
    SELECT CAST(@any_word::text AS tsquery) AS one
), asked AS MATERIALIZED (
    SELECT g.language, CAST(g.words AS tsquery[]) AS words, g.factor
    FROM (SELECT unnest(@languages::text[]) AS language, unnest(@words::text[]) AS words, unnest(@factors::float8[]) AS factor) g
), own AS MATERIALIZED (
    SELECT p.id, p.chars, p.language, a.words, a.factor
    FROM (SELECT DISTINCT v.page_id FROM visits v WHERE v.account_id = @account_id AND v.page_id IS NOT NULL) o
    JOIN pages p ON p.id = o.page_id
    JOIN asked a ON a.language = CASE WHEN p.language IN (SELECT x.language FROM asked x) THEN p.language ELSE 'xx' END
), seen AS MATERIALIZED (
    SELECT ps.page_id, ps.ord, ps.end_offset - ps.start_offset AS length, o.factor, words_found(ps.tsv, o.words) AS found
    FROM passages ps JOIN own o ON o.id = ps.page_id
    WHERE ps.tsv @@ (SELECT q.one FROM query q)
), kinds AS MATERIALIZED (
    SELECT s.found, count(*) AS n, sum(s.length) AS length FROM seen s GROUP BY s.found
), mean AS MATERIALIZED (
    SELECT sum(k.n)::float8 AS n, (sum(k.length) / sum(k.n))::float8 AS average FROM kinds k
), total AS MATERIALIZED (
    SELECT greatest(m.n, (SELECT sum(o.chars) FROM own o) / m.average)::float8 AS n, m.average FROM mean m
), frequent AS MATERIALIZED (
    SELECT w.number, coalesce(sum(k.n) FILTER (WHERE k.found & (1 << w.number) <> 0), 0)::float8 AS passages
    FROM (SELECT unnest(@numbers::integer[]) AS number) w, kinds k GROUP BY w.number
), rated AS MATERIALIZED (
    SELECT k.found, sum(ln(1 + (t.n - f.passages + 0.5) / (f.passages + 0.5))) AS weight
    FROM kinds k, frequent f, total t WHERE k.found & (1 << f.number) <> 0 GROUP BY k.found
), best AS MATERIALIZED (
    SELECT s.page_id, s.ord, s.length, CAST(s.factor * r.weight / (1.3 + 0.9 * s.length / t.average) AS float8) AS score
    FROM seen s JOIN rated r USING (found), total t
    ORDER BY 4 DESC, s.page_id, s.ord LIMIT @max_rows
)
SELECT ps.page_id, o.language, ps.ord, ps.start_offset, ps.end_offset, ps.heading, ps.tsv::text AS words, t.n::float8 AS passages, t.average::float8 AS average,
       (SELECT array_agg(f.passages ORDER BY f.number) FROM frequent f)::float8[] AS frequencies
FROM best b JOIN passages ps ON ps.page_id = b.page_id AND ps.ord = b.ord JOIN own o ON o.id = b.page_id, total t
ORDER BY b.score DESC, b.page_id, b.ord;
