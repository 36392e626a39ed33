package reference

import (
	"maps"

	"legwork/bench/workload"
)

// River's statements are not in queries/*.sql. These statements do what River 0.51 does for one job, without its
// statements for many jobs.
const (
	riverInsert = `INSERT INTO river_job (args, kind, max_attempts, metadata, priority, queue, scheduled_at, state, tags)
SELECT jsonb_build_object('taskId', :task_id::text, 'epoch', 1), $KIND, 1, '{}'::jsonb, 2, $QUEUE, now(), 'available'::river_job_state, '{}'::varchar(255)[]
ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND unique_states IS NOT NULL AND river_job_state_in_bitmask(unique_states, state)
DO UPDATE SET kind = river_job.kind RETURNING id AS `
	riverFetch = `WITH locked_jobs AS (SELECT id FROM river_job WHERE state = 'available' AND queue = $QUEUE AND scheduled_at <= now()
ORDER BY priority, scheduled_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
UPDATE river_job SET state = 'running', attempt = river_job.attempt + 1, attempted_at = now(), attempted_by = array_append(river_job.attempted_by, 'pgbench')
FROM locked_jobs WHERE river_job.id = locked_jobs.id RETURNING river_job.*;`
	riverComplete = `UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = $ID AND state IN ('running','available') RETURNING *;`
)

// RunVars returns the variables that RunScript and the script of a POST need.
func RunVars() map[string]string {
	vars := EventVars()
	maps.Copy(vars, map[string]string{
		"account_id": "default", "lease_seconds": "6", "priority": "normal", "question": workload.Question,
		"search_engine": "duckduckgo", "domains": "{}", "request_metadata": "{}",
		"thought":  `{"content":"The question was received; research starts at once.","metadata":{"status":"created"}}`,
		"complete": `{"answer":"` + workload.AnswerText + `","citations":[],"confidence":0.8,"duration":0.05}`,
		"answer":   workload.AnswerText, "metadata": "{}", "limit": "128", "kind_result": "result",
	})
	return vars
}

// submission adds the statements that POST /api/tasks commits.
func (s *Script) submission() {
	s.line(`SELECT gen_random_uuid() AS task_id \gset`)
	s.line("BEGIN;")
	s.line(expand(riverInsert, "$KIND", "'research'", "$QUEUE", "'research'") + `job_id \gset`)
	s.add("InsertTask", ` \gset`, "event_type", ":t_thinking", "body_created", ":thought", "body_queued", ":thought",
		"id", ":task_id", "parent_task_id", "NULL", "seed_url", "NULL", "max_depth", "3",
		"max_pages", "20", "time_budget", "60", "max_results", "10", "safe_mode", "true", "same_domain_only", "false",
		"allow_external_links", "true", "allow_domains", ":domains", "deny_domains", ":domains", "fresh", "false", "confirm_plan", "false", "effort", "'standard'", "format", "'answer'")
	s.line("COMMIT;")
}

// reading adds the statements of a GET of a task.
func (s *Script) reading(task string) {
	s.add(task, ";", "id", ":task_id")
	ids := []string{"task_ids", "ARRAY[:task_id]", "used_only", "true", "cited_only", "true", "only_used", "true"}
	for _, name := range []string{"TaskEvidence", "Screenshots"} {
		s.add(name, ";", ids...)
	}
}

// RunScript returns the script for one whole run of a task, as part c of the benchmark measures it. It has the
// statements that the API, the stream, the worker and the upkeep jobs send for the task, one after the other.
func RunScript(all Statements) *Script {
	s := &Script{all: all}
	s.submission()
	// The WebSocket.
	s.reading("GetTask")
	s.add("EventsAfter", ";", "after", "0", "max_rows", "128")
	// The worker.
	s.line(expand(riverFetch, "$QUEUE", "'research'"))
	s.line("BEGIN;")
	s.add("ClaimTask", " \\gset", "owner", "gen_random_uuid()", "types", "ARRAY[:t_thinking]", "bodies", "ARRAY[:thought]", "provider", "'reader'", "model", "''",
		"prompt_version", "'1'", "reserved_pages", "NULL", "reserved_tokens", "NULL", "reserved_microdollars", "NULL")
	s.line("COMMIT;")
	s.reading("GetTaskForRun")
	s.add("Steps", ";")
	s.add("SpentMillis", ";")
	s.append(":t_thinking", ":thought")
	s.line(`\set turn 0`)
	for range workload.Calls {
		s.append(":t_call", ":body")
		s.step()
	}
	s.completion()
	s.files()
	return s
}

// completion adds the statements of the transaction that ends the task.
func (s *Script) completion() {
	s.line("BEGIN;")
	s.add("ExitRun", ` \gset`, "events", "1", "outcome", "'completed'")
	s.add("EndTask", ";", "id", ":task_id", "status", "'completed'", "confidence", "0.8", "answered", "true", "error", "NULL", "error_code", "NULL")
	s.add("TaskEvidence", ";", "task_ids", "ARRAY[:task_id]", "used_only", "true", "cited_only", "true", "only_used", "true")
	s.add("InsertEvents", ";", oneEvent(":last_seq", ":t_complete", "true", ":complete")...)
	s.line(expand(riverComplete, "$ID", ":job_id"))
	s.line(expand(riverInsert, "$KIND", "'artifacts'", "$QUEUE", "'upkeep'") + `upkeep_id \gset`)
	s.line("COMMIT;")
}

// files adds the statements of the job that writes the files of a finished task.
func (s *Script) files() {
	s.line(expand(riverFetch, "$QUEUE", "'upkeep'"))
	s.reading("GetTaskForRun")
	s.add("TaskArtifacts", ";")
	s.add("TaskVisits", ";")
	s.add("EventsAfter", ";", "after", "0", "max_rows", "500")
	s.add("UpsertArtifacts", ";", "names", "ARRAY['result.json','sources.json','logs.txt']", "kinds", "ARRAY['result','sources','logs']",
		"content_types", "ARRAY['text/plain','text/plain','text/plain']", "sizes", "ARRAY[1000,1000,1000]", "store_id", "''")
	s.line(expand(riverComplete, "$ID", ":upkeep_id"))
}

// APIScripts returns the scripts of a POST, a GET and a list of 100 tasks. The GET needs the variable task_id.
func APIScripts(all Statements) (post, get, list *Script) {
	post, get, list = &Script{all: all}, &Script{all: all}, &Script{all: all}
	post.submission()
	get.reading("GetTask")
	filters := []string{"status", "NULL", "created_from", "NULL", "created_to", "NULL", "query", "NULL", "child_of", "NULL",
		"before_created", "NULL", "before_id", "NULL", "max_rows", "100", "skip_rows", "0"}
	page := `(SELECT array_agg(id) FROM (SELECT id FROM tasks WHERE account_id = 'default' ORDER BY created_at DESC, id DESC LIMIT 100) p)`
	list.line(`\if :ready = 0`)
	list.line("SELECT " + page + ` AS page_ids \gset`)
	list.line(`\set ready 1`)
	list.line(`\endif`)
	list.add("ListTasks", ";", filters...)
	list.add("CountTasks", ";", filters...)
	for _, name := range []string{"TaskUsage", "TaskEvidence", "Screenshots"} {
		list.add(name, ";", "task_ids", ":page_ids", "used_only", "true", "cited_only", "true", "only_used", "true")
	}
	return post, get, list
}
