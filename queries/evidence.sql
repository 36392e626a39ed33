-- name: InsertEvidence :one
-- Stores evidence. The database cuts the excerpt out of the snapshot, so an excerpt cannot differ from its page.
INSERT INTO evidence (task_id, number, page_id, visit_id, url, title, excerpt, start_offset, end_offset, accessed_at)
SELECT @task_id, @number, p.id, @visit_id, @url, @title, substr(p.content, s.start_offset + 1, s.end_offset - s.start_offset), s.start_offset, s.end_offset, @at
FROM pages p, (SELECT @start_offset::integer AS start_offset, @end_offset::integer AS end_offset) s
WHERE p.sha256 = @sha256
RETURNING excerpt;

-- name: MarkEvidence :exec
-- Gives a piece of evidence its marker in the answer, and says which evidence has the same source.
UPDATE evidence SET marker = @marker::integer, support = @support, source_group = sqlc.narg(source_group)::integer WHERE task_id = @task_id AND number = @number;

-- name: SetEvidenceScreenshot :exec
-- Stores which screenshot shows these pieces of evidence.
UPDATE evidence SET screenshot = @screenshot::text WHERE task_id = @task_id AND number = ANY(@numbers::integer[]);

-- name: TaskEvidence :many
-- The evidence of tasks; with cited_only only the evidence that the answer cites.
SELECT e.task_id, e.number, coalesce(e.marker, 0)::integer AS marker, encode(p.sha256, 'hex')::text AS page_id, e.visit_id, e.url, e.title, e.excerpt, e.start_offset, e.end_offset, e.support,
       coalesce(e.source_group, 0)::integer AS source_group, e.accessed_at, v.published_at, v.modified_at, v.source_kind, coalesce(e.screenshot, '')::text AS screenshot
FROM evidence e JOIN visits v ON v.id = e.visit_id JOIN pages p ON p.id = e.page_id
WHERE e.task_id = ANY((SELECT @task_ids::uuid[])::uuid[]) AND (e.marker IS NOT NULL OR NOT @cited_only::boolean)
ORDER BY e.task_id, e.marker, e.number;

-- name: InheritVisit :execrows
-- Copies a visit of a parent task to its follow-up, so that the parent may be deleted.
INSERT INTO visits (id, account_id, task_id, page_id, url, final_url, outcome, message, status, title, depth, bytes, millis, fetched_at,
                    canonical_url, published_at, modified_at, source_kind, links, cached, inherited)
SELECT @id, v.account_id, @task_id::uuid, v.page_id, v.url, v.final_url, v.outcome, v.message, v.status, v.title, 0, v.bytes, v.millis, v.fetched_at,
       v.canonical_url, v.published_at, v.modified_at, v.source_kind, v.links, true, true
FROM visits v WHERE v.id = @from_visit AND v.page_id IS NOT NULL;

-- name: Inherited :many
-- The evidence that a follow-up task got from its parent, by number.
SELECT e.number, encode(p.sha256, 'hex')::text AS page_id, p.sha256, e.visit_id, e.url, e.title, e.excerpt, e.start_offset, e.end_offset, e.accessed_at, v.published_at, v.modified_at, v.source_kind, p.language, p.chars,
       p.title AS page_title, (SELECT count(*) FROM passages ps WHERE ps.page_id = p.id) AS passages
FROM evidence e JOIN visits v ON v.id = e.visit_id JOIN pages p ON p.id = e.page_id
WHERE e.task_id = @task_id AND v.inherited
ORDER BY e.number;
