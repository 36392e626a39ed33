package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store/connection"
	"legwork/internal/store/jsoncolumn"
)

// CreateTask inserts a task with its head and its first event, and returns the task, with the status created or queued, and the
// event. jobID is River's job, which the same transaction has inserted. first makes the event for a status.
func (a Account) CreateTask(ctx context.Context, tx pgx.Tx, id uuid.UUID, in research.NewTask, jobID int64,
	first func(research.Status) research.Event) (research.Task, []research.Event, error) {
	o := in.Options
	meta, err := encodeObject(o.Metadata)
	if err != nil {
		return research.Task{}, nil, err
	}
	known, err := encodeContext(in.Context)
	if err != nil {
		return research.Task{}, nil, err
	}
	created, queued := first(research.Created), first(research.Queued)
	row, err := a.s.q.WithTx(tx).InsertTask(ctx, db.InsertTaskParams{
		ID: id, AccountID: a.id, ParentTaskID: in.ParentID, LeaseSeconds: a.s.lease.Seconds(),
		Priority: string(in.Priority), Question: in.Question, SeedUrl: nilIfEmpty(o.SeedURL),
		MaxDepth: int32(o.MaxDepth), MaxPages: int32(o.MaxPages), TimeBudget: int32(o.TimeBudget / time.Second),
		SearchEngine: string(o.SearchEngine), MaxResults: int32(o.MaxResults), SafeMode: o.SafeMode,
		SameDomainOnly: o.SameDomainOnly, AllowExternalLinks: o.AllowExternalLinks,
		AllowDomains: orEmpty(o.AllowDomains), DenyDomains: orEmpty(o.DenyDomains), Fresh: o.Fresh, RequestMetadata: meta,
		MaxTokens: nilIfZero(o.MaxTokens), Context: known, CreatedByUser: in.By.UserID, CreatedByKey: nilIfEmpty(in.By.KeyID), ConfirmPlan: o.ConfirmPlan,
		Effort: string(cmp.Or(o.Effort, research.Standard)), Format: string(cmp.Or(o.Format, research.FormatAnswer)), Length: nilIfZero32(o.Length), OutputSchema: o.OutputSchema,
		JobID: jobID, EventType: string(created.Type), BodyCreated: string(created.Body), BodyQueued: string(queued.Body),
		RequestID: nilIfEmpty(in.From.Request), TraceParent: nilIfEmpty(in.From.Trace),
	})
	if err != nil {
		return research.Task{}, nil, wrap(err)
	}
	event := created
	if research.Status(row.Status) == research.Queued {
		event = queued
	}
	events := []research.Event{event}
	setSeqs(events, id, 1, row.CreatedAt)
	return research.Task{
		ID: id, AccountID: a.id, ParentID: in.ParentID, Status: research.Status(row.Status), Question: in.Question,
		Options: o, Priority: in.Priority, CreatedAt: row.CreatedAt, Metadata: map[string]any{}, Try: 1, Context: in.Context, By: in.By, From: in.From,
		LastSeq: 1,
	}, events, nil
}

// Task loads one task of an account, with citations, screenshots, usage and lastSeq.
func (a Account) Task(ctx context.Context, id uuid.UUID) (task research.Task, err error) {
	err = a.s.batch(ctx, func(q *db.Queries) {
		_, _ = q.GetTask(ctx, id, a.id)
		queueParts(ctx, q, []uuid.UUID{id})
	}, func(q *db.Queries) error {
		row, err := q.GetTask(ctx, id, a.id)
		if err != nil {
			return err
		}
		task, err = taskOf(ctx, q, row)
		return err
	})
	return task, err
}

// TaskForRun loads one task of any account as Task does. It also returns the task's present epoch.
func (w Worker) TaskForRun(ctx context.Context, id uuid.UUID) (task research.Task, epoch int, err error) {
	err = w.batch(ctx, func(q *db.Queries) {
		_, _ = q.GetTaskForRun(ctx, id)
		queueParts(ctx, q, []uuid.UUID{id})
	}, func(q *db.Queries) error {
		row, err := q.GetTaskForRun(ctx, id)
		if err != nil {
			return err
		}
		epoch = int(row.RunEpoch)
		task, err = taskOf(ctx, q, db.GetTaskRow(row))
		return err
	})
	return task, epoch, err
}

// Cursor is a position in a list of tasks, newest first. The next page has the tasks that are older than the cursor.
type Cursor struct {
	CreatedAt time.Time
	ID        uuid.UUID
}

// TaskFilter selects tasks of an account. A field with its zero value does not filter.
type TaskFilter struct {
	Status   research.Status
	Query    string     // words that the question or the answer must contain, each as a prefix; a Query of signs alone selects no task
	From, To *time.Time // created at or after From and before To
	ChildOf  *uuid.UUID // only the children of this deep task; nil: no children
	Before   *Cursor    // for keyset paging; use it instead of Offset
	Offset   int
	Limit    int // greatest number of rows; 0 means 100
}

// TaskList is one page of a list of tasks.
type TaskList struct {
	Tasks             []research.Task // with citations, screenshots and usage, newest first
	Total             int64           // number of tasks that the filter matches
	TotalIsLowerBound bool            // true when more than Total tasks match, because counting stopped at maxCounted
}

// Tasks returns one page of the tasks that a filter selects.
func (a Account) Tasks(ctx context.Context, f TaskFilter) (TaskList, error) {
	if f.Limit <= 0 {
		f.Limit = 100
	}
	query, err := a.s.prefixQuery(ctx, f.Query)
	if err != nil || query == nil && strings.TrimSpace(f.Query) != "" {
		return TaskList{}, err
	}
	p := db.ListTasksParams{
		AccountID: a.id, Status: nilIfEmpty(string(f.Status)), CreatedFrom: f.From, CreatedTo: f.To,
		Query: query, MaxRows: int32(f.Limit), SkipRows: int32(f.Offset), ChildOf: f.ChildOf,
	}
	if f.Before != nil {
		p.BeforeCreated, p.BeforeID = &f.Before.CreatedAt, &f.Before.ID
	}
	return fromReplica(ctx, a.s, func(s *Store) (TaskList, error) { return s.list(ctx, p) })
}

// maxCounted is the number of matches at which the count of a search for words stops. A common word matches most tasks, and
// PostgreSQL reads the row of each match: 200,000 matches took 2.4 s.
const maxCounted = 1000

// list reads a page of tasks and the number of all matches in one round trip. In a second one it reads the rows of these
// tasks in other tables.
func (s *Store) list(ctx context.Context, p db.ListTasksParams) (list TaskList, err error) {
	err = s.batch(ctx, func(q *db.Queries) {
		_, _ = q.ListTasks(ctx, p)
		_, _ = count(ctx, q, p)
	}, func(q *db.Queries) error {
		rows, err := q.ListTasks(ctx, p)
		if err != nil {
			return err
		}
		list.Tasks = make([]research.Task, len(rows))
		for i, r := range rows {
			list.Tasks[i] = timed(taskFrom(r.Task, r.LastSeq, r.ChildOf), r.DurationSeconds)
		}
		list.Total, err = count(ctx, q, p)
		return err
	})
	if p.Query != nil && connection.StatementTimeout(err) {
		return TaskList{}, tooSlow(err, "searching the tasks took too long; ask for fewer or rarer words")
	}
	if p.Query != nil && list.Total > maxCounted {
		list.Total, list.TotalIsLowerBound = maxCounted, true
	}
	if err != nil || len(list.Tasks) == 0 {
		return list, err
	}
	return list, s.batch(ctx, func(q *db.Queries) {
		_, _ = q.TaskUsage(ctx, ids(list.Tasks))
		queueParts(ctx, q, ids(list.Tasks))
	}, func(q *db.Queries) error {
		usage, err := q.TaskUsage(ctx, ids(list.Tasks))
		if err != nil {
			return err
		}
		at := byID(list.Tasks)
		for _, u := range usage {
			at[u.TaskID].Usage = usageFrom(u)
		}
		return addParts(ctx, q, list.Tasks)
	})
}

// count returns the number of tasks that the filters of a list select, without its cursor. A search for words counts at most
// maxCounted + 1, which shows that more than maxCounted match.
func count(ctx context.Context, q *db.Queries, p db.ListTasksParams) (int64, error) {
	if p.Query == nil {
		return q.CountTasks(ctx, db.CountTasksParams{AccountID: p.AccountID, Status: p.Status, CreatedFrom: p.CreatedFrom, CreatedTo: p.CreatedTo, ChildOf: p.ChildOf})
	}
	return q.CountMatchingTasks(ctx, db.CountMatchingTasksParams{AccountID: p.AccountID, Status: p.Status, CreatedFrom: p.CreatedFrom,
		CreatedTo: p.CreatedTo, ChildOf: p.ChildOf, Query: *p.Query, Most: maxCounted + 1})
}

// prefixQuery turns words into a tsquery. It returns nil when there is no word to search for.
func (s *Store) prefixQuery(ctx context.Context, words string) (*string, error) {
	if strings.TrimSpace(words) == "" {
		return nil, nil //nolint:nilnil // nil is the value "no filter"
	}
	q, err := s.q.PrefixQuery(ctx, words)
	if err != nil {
		return nil, wrap(err)
	}
	return nilIfEmpty(q), nil
}

func ids(tasks []research.Task) []uuid.UUID {
	ids := make([]uuid.UUID, len(tasks))
	for i := range tasks {
		ids[i] = tasks[i].ID
	}
	return ids
}

func taskFrom(t db.Task, lastSeq int64, childOf *uuid.UUID) research.Task {
	return research.Task{
		ID: t.ID, AccountID: t.AccountID, ParentID: t.ParentTaskID, ChildOf: childOf,
		Status: research.Status(t.Status), WaitingFor: research.Waiting(deref(t.WaitingFor)), Question: t.Question,
		Priority: research.Priority(t.Priority), CreatedAt: t.CreatedAt, StartedAt: t.StartedAt, CompletedAt: t.CompletedAt,
		Answer: t.Answer, Confidence: t.Confidence, Answered: t.Answered, Error: t.Error, ErrorCode: t.ErrorCode,
		Data: t.Data, DataBasis: jsoncolumn.DecodeList[research.Basis](t.DataBasis), Contradictions: jsoncolumn.DecodeList[research.Contradiction](t.Contradictions),
		Metadata: decodeObject(t.Metadata), LastSeq: lastSeq, Try: int(t.Try),
		Pin:     research.Pin{Provider: deref(t.Provider), Model: deref(t.Model), Prompt: deref(t.PromptVersion)},
		Context: decodeContext(t.Context),
		By:      research.Author{UserID: t.CreatedByUser, KeyID: deref(t.CreatedByKey)},
		From:    research.Origin{Request: deref(t.RequestID), Trace: deref(t.TraceParent)},
		Options: research.Options{
			MaxTokens: derefInt(t.MaxTokens), ConfirmPlan: t.ConfirmPlan,
			SeedURL: deref(t.SeedUrl), MaxDepth: int(t.MaxDepth), MaxPages: int(t.MaxPages),
			TimeBudget: time.Duration(t.TimeBudget) * time.Second, SearchEngine: research.Engine(t.SearchEngine),
			MaxResults: int(t.MaxResults), SafeMode: t.SafeMode, SameDomainOnly: t.SameDomainOnly,
			AllowExternalLinks: t.AllowExternalLinks, AllowDomains: t.AllowDomains, DenyDomains: t.DenyDomains, Fresh: t.Fresh,
			Metadata: decodeObject(t.RequestMetadata), Effort: research.Effort(t.Effort), Format: research.Format(t.Format), Length: int(deref32(t.Length)), OutputSchema: t.OutputSchema,
		},
	}
}

// timed adds the duration that task_seconds gave for a task. A task that has not ended has none.
func timed(t research.Task, seconds float64) research.Task {
	if t.StartedAt != nil && t.CompletedAt != nil {
		t.Duration = &seconds
	}
	return t
}

// DeleteTask removes a finished task with all its rows, and the snapshots that nothing else refers to. The caller must
// hold the lock of the task's head.
func (a Account) DeleteTask(ctx context.Context, tx pgx.Tx, id uuid.UUID) error {
	q := a.s.q.WithTx(tx)
	pages, err := q.TaskPageIDs(ctx, []uuid.UUID{id})
	if err != nil {
		return wrap(err)
	}
	n, err := q.DeleteTask(ctx, id, a.id)
	if err != nil {
		return wrap(err)
	}
	if n == 0 {
		return research.ErrConflict
	}
	_, err = deleteUnusedPages(ctx, q, pages)
	return err
}

// Counts returns the number of running tasks and of all tasks.
func (w Worker) Counts(ctx context.Context) (active, total int64, err error) {
	row, err := w.q.TaskCounts(ctx)
	return row.Active, row.Total, wrap(err)
}

// Finding is one violation of a rule that the audit checks.
type Finding struct {
	Rule    string // short name of the rule
	Subject string // task or snapshot id
	Detail  string
}

// Audit checks the rules that must always hold after a commit, and returns each violation. A sound database has none.
func (w Worker) Audit(ctx context.Context) ([]Finding, error) {
	rows, err := w.q.Audit(ctx)
	if err != nil {
		return nil, wrap(err)
	}
	out := make([]Finding, len(rows))
	for i, r := range rows {
		out[i] = Finding{Rule: r.Rule, Subject: r.Subject, Detail: r.Detail}
	}
	return out, nil
}

func encodeObject(m map[string]any) ([]byte, error) {
	if m == nil {
		return []byte("{}"), nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	return b, nil
}

// decodeObject decodes a JSON object. A CHECK of the column guarantees that the value is an object. Numbers keep their
// digits.
func decodeObject(b []byte) map[string]any {
	m := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	_ = dec.Decode(&m)
	return m
}

func nilIfEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func nilIfZero(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

func derefInt(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
