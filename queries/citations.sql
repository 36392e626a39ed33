-- name: InsertCitation :one
-- Stores evidence. The excerpt is the snapshot's own span: no text from outside can enter here.
INSERT INTO citations (task_id, evidence, page_id, visit_id, url, title, excerpt, start, "end", accessed_at)
SELECT @task_id, @evidence, p.id, @visit_id, @url, @title, substr(p.content, s.start + 1, s.stop - s.start), s.start, s.stop, @at
FROM pages p, (SELECT @start::integer AS start, @stop::integer AS stop) s
WHERE p.id = @page_id
RETURNING excerpt;

-- name: MarkCitation :exec
-- Gives a piece of evidence its marker in the answer.
UPDATE citations SET n = @n::integer WHERE task_id = @task_id AND evidence = @evidence;

-- name: ShowCitations :exec
-- Says which picture shows the page of these pieces of evidence.
UPDATE citations SET screenshot = @screenshot::text WHERE task_id = @task_id AND evidence = ANY(@evidence::integer[]);

-- name: TaskCitations :many
-- Evidence of tasks; only what the answer uses when cited_only.
SELECT c.task_id, c.evidence, coalesce(c.n, 0)::integer AS n, c.page_id, c.visit_id, c.url, c.title, c.excerpt, c.start, c."end", c.support,
       c.accessed_at, v.published_at, coalesce(c.screenshot, '')::text AS screenshot
FROM citations c JOIN visits v ON v.id = c.visit_id
WHERE c.task_id = ANY(@task_ids::uuid[]) AND (c.n IS NOT NULL OR NOT @cited_only::boolean)
ORDER BY c.task_id, c.n, c.evidence;
