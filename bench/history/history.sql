-- Fills an empty, migrated database with the tasks of some months. The settings history.tasks, history.days and history.pages say how
-- many. All values follow from numbers by hash, so every run makes the same. Two accounts have tasks: default (three of four) and other.
CREATE FUNCTION pg_temp.pick(n bigint, salt bigint, most bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (hashint8extended(n, salt) & 9223372036854775807) % most;
CREATE FUNCTION pg_temp.key(n bigint, salt bigint) RETURNS uuid
    LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN (lpad(to_hex(hashint8extended(n, salt)), 16, '0') || lpad(to_hex(hashint8extended(n, salt + 1)), 16, '0'))::uuid;

INSERT INTO accounts (id) VALUES ('other') ON CONFLICT DO NOTHING;
INSERT INTO api_keys (id, account_id, name, secret_hash, scopes) VALUES ('nightlynightly00', 'default', 'nightly', sha256('nightly'), '{tasks:write}');

CREATE TEMP TABLE made AS
SELECT i, pg_temp.key(i, 1) AS id, CASE WHEN pg_temp.pick(i, 2, 4) = 0 THEN 'other' ELSE 'default' END AS account_id,
       date_trunc('milliseconds', now() - make_interval(secs => pg_temp.pick(i, 3, current_setting('history.days')::bigint * 86400))) AS created_at,
       make_interval(secs => 0.05 + pg_temp.pick(i, 4, 1000) ^ 2 / 1e5) AS waits, make_interval(secs => 5 + pg_temp.pick(i, 5, 120)) AS takes,
       CASE WHEN i % 97 = 0 THEN 'queued' WHEN pg_temp.pick(i, 6, 100) < 8 THEN 'failed' WHEN pg_temp.pick(i, 6, 100) < 11 THEN 'cancelled' ELSE 'completed' END AS status,
       pg_temp.pick(i, 7, 3)::int AS model, 3 + pg_temp.pick(i, 8, 5)::int AS visits,
       CASE WHEN pg_temp.pick(i, 9, 25) = 0 THEN i END AS tree
FROM generate_series(1, current_setting('history.tasks')::bigint) i;
-- A tree is a deep task and the three tasks after it, which get its account and end before it does.
CREATE UNIQUE INDEX ON made (i);
ANALYZE made;
UPDATE made c SET tree = p.i, account_id = p.account_id, status = p.status, created_at = p.created_at
FROM made p, generate_series(1, 3) n WHERE p.tree = p.i AND c.i = p.i + n AND c.tree IS NULL AND p.i + 3 <= current_setting('history.tasks')::bigint;
UPDATE made SET tree = NULL WHERE tree = i AND NOT EXISTS (SELECT 1 FROM made c WHERE c.tree = made.i AND c.i BETWEEN made.i + 1 AND made.i + 3);
UPDATE made SET status = 'completed' WHERE tree IS NOT NULL AND status = 'queued';

INSERT INTO pages (sha256, title, language, config, chars, content)
SELECT sha256(convert_to(t.text, 'UTF8')), 'Page ' || t.p, 'en', 'english', char_length(t.text), t.text
FROM (SELECT p, string_agg(format('Sentence %s of page %s says that the value is %s.', n, p, pg_temp.pick(p * 100 + n, 10, 1000)), ' ' ORDER BY n) AS text
      FROM generate_series(1, current_setting('history.pages')::bigint) p, generate_series(1, 30) n GROUP BY p) t ORDER BY t.p;

INSERT INTO tasks (id, account_id, status, priority, question, max_depth, max_pages, time_budget, search_engine, max_results, safe_mode, same_domain_only,
                   allow_external_links, allow_domains, deny_domains, request_metadata, created_at, started_at, completed_at, provider, model, prompt_version,
                   answer, answered, confidence, error, error_code, effort, created_by_key, held, held_since)
SELECT m.id, m.account_id, m.status, 'normal', 'What is value ' || m.i || '?', 3, 20, 300, 'duckduckgo', 10, true, false, true, '{}', '{}', '{}', m.created_at,
       CASE WHEN m.status <> 'queued' AND (m.status <> 'cancelled' OR m.i % 2 = 0) THEN m.created_at + m.waits END,
       CASE WHEN m.status <> 'queued' THEN m.created_at + m.waits + m.takes + CASE WHEN m.tree = m.i THEN interval '200 seconds' ELSE interval '0' END END,
       CASE m.model WHEN 0 THEN 'reader' WHEN 1 THEN 'openai' ELSE 'anthropic' END, CASE m.model WHEN 0 THEN '' WHEN 1 THEN 'small' ELSE 'large' END, '7',
       CASE WHEN m.status = 'completed' THEN repeat('The value is ' || m.i || ' [1]. ', 20) END, CASE WHEN m.status = 'completed' THEN m.i % 12 <> 0 END,
       CASE WHEN m.status = 'completed' THEN 0.8 END,
       CASE WHEN m.status IN ('failed', 'cancelled') THEN 'It ended.' END,
       CASE m.status WHEN 'cancelled' THEN 'cancelled' WHEN 'failed' THEN (ARRAY['no_sources','no_sources','model_failed','timeout','worker_lost','internal','budget_exhausted','seed_refused'])[1 + pg_temp.pick(m.i, 11, 8)] END,
       CASE WHEN m.tree = m.i THEN 'deep' ELSE 'standard' END, CASE WHEN m.account_id = 'default' AND m.i % 5 = 0 THEN 'nightlynightly00' END,
       m.status = 'queued', CASE WHEN m.status = 'queued' THEN m.created_at END
FROM made m ORDER BY m.created_at;

INSERT INTO task_heads (task_id, run_epoch, last_seq)
SELECT m.id, 2, CASE WHEN m.status = 'queued' THEN 1 ELSE 6 + 4 * m.visits + 4 END FROM made m ORDER BY m.created_at;

INSERT INTO tree_nodes (task_id, depth, parent_id, number, round, pages, seconds, tokens, microdollars, given_pages, given_seconds, given_tokens, given_microdollars, own_seconds)
SELECT m.id, 1, NULL, NULL, NULL, 60, 900, 100000, 500000, 30, 500, 60000, 300000, 100 FROM made m WHERE m.tree = m.i;
INSERT INTO tree_nodes (task_id, depth, parent_id, number, round, pages, seconds, tokens, microdollars)
SELECT m.id, 2, p.id, m.i - m.tree, 1, 10, 120, 20000, 100000 FROM made m JOIN made p ON p.i = m.tree WHERE m.tree <> m.i;

INSERT INTO runs (task_id, epoch, try, worker_id, claimed_at, seen_at, ended_at, outcome)
SELECT t.id, 1, 1, pg_temp.key(m.i % 4, 12), t.started_at, t.completed_at, t.completed_at, t.status FROM made m JOIN tasks t ON t.id = m.id WHERE t.started_at IS NOT NULL AND t.completed_at IS NOT NULL;
UPDATE runs SET outcome = 'lost' WHERE epoch = 1 AND hashtext(task_id::text) % 50 = 0;

-- A task has 6 + 4 · visits + 4 events: its submission and start, searches, four for each page, and its end. 30 on average.
INSERT INTO task_events (task_id, seq, type, terminal, created_at, body)
SELECT m.id, e.seq,
       CASE WHEN m.status = 'queued' THEN 'agent:thinking' WHEN e.seq = 6 + 4 * m.visits + 4 THEN CASE m.status WHEN 'completed' THEN 'agent:complete' ELSE 'agent:error' END
            WHEN e.seq <= 2 THEN 'agent:thinking' WHEN e.seq % 2 = 1 THEN 'agent:tool_call' ELSE 'agent:tool_result' END,
       m.status <> 'queued' AND e.seq = 6 + 4 * m.visits + 4,
       CASE WHEN e.seq = 1 THEN m.created_at ELSE m.created_at + m.waits + m.takes * (e.seq - 2) / (6 + 4 * m.visits + 4) END,
       '{"tool":"get_page_content","result":{"title":"Settings","chars":4120,"preview":"how long the circuit is held at temperature after the last demand"}}'
FROM made m, LATERAL generate_series(1, CASE WHEN m.status = 'queued' THEN 1 ELSE 6 + 4 * m.visits + 4 END) e (seq);

INSERT INTO steps (task_id, turn, call_no, epoch, try, kind, tool, args, result, success, millis, input_tokens, cached_tokens, output_tokens, cost_usd, created_at)
SELECT m.id, s.turn, 1, 1, 1, 'tool', CASE WHEN s.turn = 1 THEN 'web_search' WHEN s.turn % 2 = 0 THEN 'navigate_to' ELSE 'get_page_content' END, '{}', '{"chars":4120}',
       pg_temp.pick(m.i * 32 + s.turn, 13, 12) <> 0, 20 + pg_temp.pick(m.i * 32 + s.turn, 14, 3000)::int, 0, 0, 0, NULL, m.created_at + m.waits + m.takes * s.turn / 20
FROM made m, LATERAL generate_series(1, 1 + 2 * m.visits) s (turn) WHERE m.status <> 'queued';
INSERT INTO steps (task_id, turn, call_no, epoch, try, kind, tool, args, result, success, millis, input_tokens, cached_tokens, output_tokens, cost_usd, created_at)
SELECT m.id, s.turn, 0, 1, 1, 'model', '', '{}', '{"text":"The value is 1."}', true, 800 + pg_temp.pick(m.i * 32 + s.turn, 15, 4000)::int,
       2000 + 500 * s.turn, 1000, 100 + pg_temp.pick(m.i * 32 + s.turn, 16, 300), (2000 + 500 * s.turn) * m.model * 0.000001, m.created_at + m.waits + m.takes * s.turn / 20
FROM made m, LATERAL generate_series(1, 1 + m.visits) s (turn) WHERE m.status <> 'queued' AND m.model > 0;

CREATE TEMP TABLE seen AS
SELECT m.i, v.k, m.id, m.account_id, pg_temp.key(m.i * 16 + v.k, 17) AS visit_id, m.created_at + m.waits + m.takes * v.k / 10 AS at,
       1 + (current_setting('history.pages')::bigint * (pg_temp.pick(m.i * 16 + v.k, 18, 10000) / 10000.0) ^ 2)::bigint % current_setting('history.pages')::bigint AS page,
       v.k > 1 AND pg_temp.pick(m.i * 16 + v.k, 19, 9) = 0 AS failed
FROM made m, LATERAL generate_series(1, m.visits) v (k) WHERE m.status <> 'queued';
INSERT INTO visits (id, account_id, task_id, page_id, url, final_url, outcome, message, status, title, depth, bytes, millis, fetched_at, links, cached, source_kind)
SELECT s.visit_id, s.account_id, s.id, CASE WHEN NOT s.failed THEN p.id END, a.url, a.url,
       CASE WHEN s.failed THEN (ARRAY['timeout','not_found','forbidden','robots','connection','blocked'])[1 + s.page % 6] ELSE 'ok' END, '', CASE WHEN s.failed THEN 0 ELSE 200 END, p.title, 1,
       20000 + s.page % 1000, 50 + pg_temp.pick(s.i * 16 + s.k, 20, 2000)::int, s.at, CASE WHEN NOT s.failed THEN '[]'::json END, s.page % 10 = 0, (ARRAY['','docs','news'])[1 + s.page % 3]
FROM seen s JOIN (SELECT p.*, row_number() OVER (ORDER BY p.id) AS n FROM pages p) p ON p.n = s.page,
     LATERAL (SELECT format('https://www%s.example.org/page/%s', s.page % 200, s.page - s.i % 3 % s.page) AS url) a
ORDER BY s.at;
INSERT INTO evidence (task_id, number, marker, page_id, visit_id, url, title, excerpt, start_offset, end_offset, support, accessed_at, source_group)
SELECT s.id, s.k, CASE WHEN m.status = 'completed' THEN s.k END, v.page_id, v.id, v.url, v.title, substr(p.content, 1, 40), 0, 40,
       (ARRAY['supported','supported','supported','partial','unchecked','unsupported'])[1 + (s.i + s.k) % 6], s.at, CASE WHEN m.status = 'completed' THEN s.k END
FROM seen s JOIN made m ON m.i = s.i JOIN visits v ON v.id = s.visit_id JOIN pages p ON p.id = v.page_id ORDER BY s.at;

INSERT INTO usage_counters (account_id, key_id, period, starts_at, pages, tokens, microdollars)
SELECT t.account_id, k.key_id, 'month', date_trunc('month', t.completed_at, 'UTC'), sum(m.visits), sum(5000 * m.model), sum(900 * m.model)
FROM made m JOIN tasks t ON t.id = m.id, LATERAL (SELECT '' AS key_id UNION SELECT coalesce(t.created_by_key, '')) k
WHERE t.completed_at IS NOT NULL GROUP BY 1, 2, 4;
DROP TABLE made, seen;
