-- name: Audit :many
-- The rules that must always hold: one row for each violation. River's table is only read.
SELECT 'gap_in_log' AS rule, h.task_id::text AS subject,
       format('last_seq is %s, %s events from %s to %s', h.last_seq, count(e.seq), min(e.seq), max(e.seq)) AS detail
FROM task_heads h LEFT JOIN task_events e ON e.task_id = h.task_id
GROUP BY h.task_id, h.last_seq
HAVING h.last_seq <> count(e.seq) OR h.last_seq <> coalesce(max(e.seq), 0) OR coalesce(min(e.seq), 1) <> 1
UNION ALL
SELECT 'terminal_event', t.id::text, format('status %s, terminal event at %s of %s', t.status, coalesce(e.seq::text, 'none'), h.last_seq)
FROM tasks t JOIN task_heads h ON h.task_id = t.id LEFT JOIN task_events e ON e.task_id = t.id AND e.terminal
WHERE (t.status IN ('completed','failed','cancelled')) <> (e.seq IS NOT NULL) OR e.seq <> h.last_seq
UNION ALL
SELECT 'open_without_job', t.id::text, format('status %s, epoch %s, job %s is %s', t.status, h.run_epoch, coalesce(h.job_id::text, 'none'), coalesce(j.state::text, 'missing'))
FROM tasks t JOIN task_heads h ON h.task_id = t.id LEFT JOIN river_job j ON j.id = h.job_id
WHERE t.status IN ('created','queued','running') AND NOT t.held
  AND (j.id IS NULL OR j.state::text NOT IN ('available','pending','retryable','running','scheduled'))
UNION ALL
SELECT 'held_with_job', t.id::text, format('status %s, job %s', t.status, coalesce(h.job_id::text, 'none'))
FROM tasks t JOIN task_heads h ON h.task_id = t.id
WHERE t.held AND (t.status NOT IN ('created','queued') OR h.job_id IS NOT NULL OR (t.held_since IS NULL) = (t.waiting_for IS NULL))
UNION ALL
SELECT 'waits_without_hold', t.id::text, format('status %s, waits for %s, held: %s', t.status, t.waiting_for, t.held)
FROM tasks t WHERE t.waiting_for IS NOT NULL AND NOT (t.held AND t.status = 'queued')
UNION ALL
SELECT 'waits_for_no_child', t.id::text, 'the task waits for its children, and all of them have ended'
FROM tasks t
WHERE t.waiting_for = 'children' AND NOT EXISTS (SELECT 1 FROM tree_nodes c JOIN tasks o ON o.id = c.task_id
                                                 WHERE c.parent_id = t.id AND o.status IN ('created','queued','running'))
UNION ALL
SELECT 'child_without_waiting_parent', t.id::text, format('the child is %s, its parent %s is %s', t.status, p.id, p.status)
FROM tree_nodes n JOIN tasks t ON t.id = n.task_id JOIN tasks p ON p.id = n.parent_id
WHERE t.status IN ('created','queued','running') AND p.waiting_for IS DISTINCT FROM 'children'
UNION ALL
SELECT 'child_of_other_account', t.id::text, format('a child of account %s, the parent is of account %s', t.account_id, p.account_id)
FROM tree_nodes n JOIN tasks t ON t.id = n.task_id JOIN tasks p ON p.id = n.parent_id WHERE t.account_id <> p.account_id
UNION ALL
SELECT 'shares_exceed_given', p.task_id::text, format('given %s pages, %s seconds, %s tokens, %s microdollars; the shares are %s, %s, %s, %s',
       p.given_pages, p.given_seconds, p.given_tokens, p.given_microdollars, s.pages, s.seconds, s.tokens, s.microdollars)
FROM tree_nodes p, LATERAL (SELECT coalesce(sum(c.pages), 0) AS pages, coalesce(sum(c.seconds), 0) + p.own_seconds AS seconds,
                                   coalesce(sum(c.tokens), 0) + coalesce(p.own_tokens, 0) AS tokens, coalesce(sum(c.microdollars), 0) + coalesce(p.own_microdollars, 0) AS microdollars
                            FROM tree_nodes c WHERE c.parent_id = p.task_id) s
WHERE p.depth = 1 AND (s.pages > p.given_pages OR s.seconds > p.given_seconds OR s.tokens > p.given_tokens OR s.microdollars > p.given_microdollars)
UNION ALL
SELECT 'job_of_two_tasks', min(h.task_id::text), format('job %s belongs to %s tasks', h.job_id, count(*))
FROM task_heads h WHERE h.job_id IS NOT NULL GROUP BY h.job_id HAVING count(*) > 1
UNION ALL
SELECT 'evidence_differs', e.task_id::text, format('evidence %s is not the span %s..%s of its snapshot', e.number, e.start_offset, e.end_offset)
FROM evidence e JOIN pages p ON p.id = e.page_id
WHERE e.excerpt IS DISTINCT FROM substr(p.content, e.start_offset + 1, e.end_offset - e.start_offset)
UNION ALL
SELECT 'snapshot_differs', encode(p.sha256, 'hex'), 'the id is not the SHA-256 of the content'
FROM pages p WHERE p.sha256 <> sha256(convert_to(p.content, 'UTF8'))
UNION ALL
SELECT 'visit_of_other_account', v.id::text, format('visit of account %s by task %s of account %s', v.account_id, t.id, t.account_id)
FROM visits v JOIN tasks t ON t.id = v.task_id WHERE v.account_id <> t.account_id
UNION ALL
SELECT 'links_missing', s.task_id::text, format('step %s.%s leaves its links to visit %s, which has none', s.turn, s.call_no, s.visit_id)
FROM steps s LEFT JOIN visits v ON v.id = s.visit_id AND v.task_id = s.task_id WHERE s.visit_id IS NOT NULL AND v.links IS NULL
UNION ALL
SELECT 'run_left_open', r.task_id::text, format('epoch %s of a task at epoch %s has no end', r.epoch, h.run_epoch)
FROM runs r JOIN task_heads h ON h.task_id = r.task_id
WHERE r.ended_at IS NULL AND r.epoch <> h.run_epoch
ORDER BY 1, 2;
