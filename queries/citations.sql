-- name: InsertCitation :one
-- Stores evidence. The excerpt is the snapshot's own span: no text from outside can enter here.
INSERT INTO citations (task_id, evidence, page_id, visit_id, url, title, excerpt, start, "end", accessed_at)
SELECT @task_id, @evidence, p.id, @visit_id, @url, @title, substr(p.content, s.start + 1, s.stop - s.start), s.start, s.stop, @at
FROM pages p, (SELECT @start::integer AS start, @stop::integer AS stop) s
WHERE p.id = @page_id
RETURNING excerpt;

-- name: MarkCitation :exec
-- Gives a piece of evidence its marker in the answer.
UPDATE citations SET n = @n::integer, support = @support WHERE task_id = @task_id AND evidence = @evidence;

-- name: ShowCitations :exec
-- Says which picture shows the page of these pieces of evidence.
UPDATE citations SET screenshot = @screenshot::text WHERE task_id = @task_id AND evidence = ANY(@evidence::integer[]);

-- name: TaskCitations :many
-- Evidence of tasks; only what the answer uses when cited_only.
SELECT c.task_id, c.evidence, coalesce(c.n, 0)::integer AS n, c.page_id, c.visit_id, c.url, c.title, c.excerpt, c.start, c."end", c.support,
       c.accessed_at, v.published_at, coalesce(c.screenshot, '')::text AS screenshot
FROM citations c JOIN visits v ON v.id = c.visit_id
WHERE c.task_id = ANY((SELECT @task_ids::uuid[])::uuid[]) AND (c.n IS NOT NULL OR NOT @cited_only::boolean)
ORDER BY c.task_id, c.n, c.evidence;

-- name: InheritVisit :execrows
-- Copies the reading that a parent's evidence is from, so that the parent may be deleted.
INSERT INTO visits (id, account_id, task_id, page_id, url, final_url, outcome, message, status, title, depth, bytes, millis, fetched_at,
                    canonical_url, published_at, modified_at, links, cached, inherited)
SELECT @id, v.account_id, @task_id::uuid, v.page_id, v.url, v.final_url, v.outcome, v.message, v.status, v.title, 0, v.bytes, v.millis, v.fetched_at,
       v.canonical_url, v.published_at, v.modified_at, v.links, true, true
FROM visits v WHERE v.id = @from_visit AND v.page_id IS NOT NULL;

-- name: Inherited :many
-- The evidence that a follow-up began with, by its number.
SELECT c.evidence, c.page_id, c.visit_id, c.url, c.title, c.excerpt, c.start, c."end", c.accessed_at, p.language, p.chars,
       p.title AS page_title, (SELECT count(*) FROM passages ps WHERE ps.page_id = p.id) AS passages
FROM citations c JOIN visits v ON v.id = c.visit_id JOIN pages p ON p.id = c.page_id
WHERE c.task_id = @task_id AND v.inherited
ORDER BY c.evidence;
