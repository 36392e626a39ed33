package httpapi

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/artifact"
	"legwork/internal/auth"
	"legwork/internal/config"
	"legwork/internal/logging"
	"legwork/internal/metrics"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/stream"
	"legwork/internal/wire"
)

// testTimeout bounds each wait of a test.
const testTimeout = 20 * time.Second

// call is one call of a service, as the fake recorded it.
type call struct {
	method, account, reason string
	key                     string
	id                      uuid.UUID
	in                      research.NewTask
}

// fake implements all services behind the API, in memory.
type fake struct {
	mu        sync.Mutex
	calls     []call
	err       error // returned by every call while set
	panics    any   // every call panics with it while set
	tasks     map[uuid.UUID]research.Task
	filters   []store.TaskFilter
	events    map[uuid.UUID][]research.Event
	artifacts []research.Artifact
	readings  []research.PageVisit
	snapshot  research.Visit
	cited     []research.Evidence
	ensure    func(research.Task) error
	render    func(task research.Task, name string) (research.Artifact, []byte, error)
	tree      []research.TreeNode
	health    Health
}

// fakeAccount is the data of one account in a fake.
type fakeAccount struct {
	*fake
	account string
}

func (f *fake) record(c call) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, c)
	if f.panics != nil {
		panic(f.panics)
	}
	return f.err
}

func (f *fake) seen() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func (f *fake) Submit(_ context.Context, account string, in research.NewTask) (research.Task, error) {
	if err := f.record(call{method: "submit", account: account, in: in}); err != nil {
		return research.Task{}, err
	}
	return f.add(research.Task{Question: in.Question, Options: in.Options, Priority: in.Priority, ParentID: in.ParentID,
		Status: research.Created, Metadata: map[string]any{}}), nil
}

func (f *fake) SubmitOnce(_ context.Context, account, key string, in research.NewTask) (research.Task, bool, error) {
	if err := f.record(call{method: "submitOnce", account: account, key: key, in: in}); err != nil {
		return research.Task{}, false, err
	}
	task := f.add(research.Task{Question: in.Question, Options: in.Options, Priority: in.Priority, Status: research.Created, Metadata: map[string]any{}})
	return task, key == "again", nil
}

func (f *fake) add(t research.Task) research.Task {
	f.mu.Lock()
	defer f.mu.Unlock()
	t.ID = uuid.Must(uuid.NewV7())
	t.CreatedAt = time.Date(2026, 3, 5, 14, 30, 0, 125_456_000, time.UTC).Add(time.Duration(len(f.tasks)) * time.Second)
	t.AccountID = research.DefaultAccount
	if t.Status == "" {
		t.Status = research.Queued
	}
	if t.Priority == "" {
		t.Priority = research.Normal
		t.Options = research.Options{MaxDepth: 3, MaxPages: 20, TimeBudget: time.Minute, SearchEngine: research.Library, MaxResults: 10}
	}
	f.tasks[t.ID] = t
	return t
}

func (f *fake) Cancel(_ context.Context, account string, id uuid.UUID, reason string) (research.Task, error) {
	if err := f.record(call{method: "cancel", account: account, id: id, reason: reason}); err != nil {
		return research.Task{}, err
	}
	return fakeAccount{f, account}.Task(context.Background(), id)
}

func (f *fake) Delete(_ context.Context, account string, id uuid.UUID, reason string) error {
	return f.record(call{method: "delete", account: account, id: id, reason: reason})
}

func (f *fake) Rerun(_ context.Context, account string, id uuid.UUID, _ research.Author) (research.Task, error) {
	if err := f.record(call{method: "rerun", account: account, id: id}); err != nil {
		return research.Task{}, err
	}
	return fakeAccount{f, account}.Task(context.Background(), id)
}

func (f *fake) RenderArtifact(_ context.Context, task research.Task, name string) (research.Artifact, []byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.render == nil {
		return research.Artifact{}, nil, research.ErrNotFound
	}
	return f.render(task, name)
}

func (f *fake) ConfirmPlan(_ context.Context, account string, id uuid.UUID, changed []research.Subquestion) (research.Task, error) {
	if err := f.record(call{method: fmt.Sprintf("confirm %d", len(changed)), account: account, id: id}); err != nil {
		return research.Task{}, err
	}
	return fakeAccount{f, account}.Task(context.Background(), id)
}

func (f *fake) Tree(context.Context, string, uuid.UUID) ([]research.TreeNode, error) {
	return f.tree, nil
}

func (f *fake) EnsureArtifacts(_ context.Context, task research.Task) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ensure == nil {
		return nil
	}
	return f.ensure(task)
}

func (f fakeAccount) Task(_ context.Context, id uuid.UUID) (research.Task, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return research.Task{}, f.err
	}
	t, ok := f.tasks[id]
	if !ok || f.account != t.AccountID {
		return research.Task{}, research.ErrNotFound
	}
	if log := f.events[id]; len(log) > 0 {
		t.LastSeq = log[len(log)-1].Seq
		if log[len(log)-1].Terminal {
			t.Status = research.Failed
		}
	}
	return t, nil
}

func (f fakeAccount) Tasks(_ context.Context, filter store.TaskFilter) (store.TaskList, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.filters = append(f.filters, filter)
	var out []research.Task
	for _, t := range f.tasks {
		if filter.Before == nil || t.CreatedAt.Before(filter.Before.CreatedAt) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, func(a, b research.Task) int { return b.CreatedAt.Compare(a.CreatedAt) })
	out = out[min(filter.Offset, len(out)):]
	return store.TaskList{Tasks: out[:min(filter.Limit, len(out))], Total: int64(len(f.tasks))}, f.err
}

func (f *fake) Events(_ context.Context, id uuid.UUID, after int64, limit int) ([]research.Event, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return nil, f.err
	}
	log := f.events[id]
	log = log[min(int(after), len(log)):]
	return slices.Clone(log[:min(limit, len(log))]), nil
}

func (f *fake) LogStates(_ context.Context, ids []uuid.UUID) (map[uuid.UUID]store.LogState, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[uuid.UUID]store.LogState{}
	for _, id := range ids {
		if log := f.events[id]; len(log) > 0 {
			out[id] = store.LogState{LastSeq: int64(len(log)), Terminal: log[len(log)-1].Terminal}
		}
	}
	return out, nil
}

func (f *fake) CheckOwner(ctx context.Context, account string, id uuid.UUID) error {
	_, err := fakeAccount{f, account}.Task(ctx, id)
	return err
}

func (f *fake) KeptFinalEvent(context.Context, uuid.UUID) (research.Event, bool, error) {
	return research.Event{}, false, nil
}

func (f *fake) Notify(context.Context, string, ...string) error { return nil }

func (f fakeAccount) Artifacts(context.Context, uuid.UUID) ([]research.Artifact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.artifacts, f.err
}

func (f fakeAccount) Artifact(_ context.Context, id uuid.UUID, name string) (research.Artifact, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t, ok := f.tasks[id]; f.err != nil || !ok || t.AccountID != f.account {
		return research.Artifact{}, cmp.Or(f.err, research.ErrNotFound)
	}
	for _, a := range f.artifacts {
		if a.Name == name {
			return a, nil
		}
	}
	return research.Artifact{}, research.ErrNotFound
}

func (f fakeAccount) PageVisits(_ context.Context, id uuid.UUID) ([]research.PageVisit, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t, ok := f.tasks[id]; f.err != nil || !ok || t.AccountID != f.account {
		return nil, cmp.Or(f.err, research.ErrNotFound)
	}
	return f.readings, nil
}

func (f fakeAccount) Snapshot(_ context.Context, id uuid.UUID, page string) (research.Visit, []research.Evidence, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t, ok := f.tasks[id]; f.err != nil || !ok || t.AccountID != f.account || f.snapshot.Page == nil || f.snapshot.Page.ID != page {
		return research.Visit{}, nil, cmp.Or(f.err, research.ErrNotFound)
	}
	return f.snapshot, f.cited, nil
}

func (f *fake) append(id uuid.UUID, events ...research.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, e := range events {
		e.TaskID, e.Seq, e.Time = id, int64(len(f.events[id])+1), time.Date(2026, 3, 5, 14, 30, 1, 0, time.UTC)
		f.events[id] = append(f.events[id], e)
	}
}

// bundle is an API with fake services, served over HTTP.
type bundle struct {
	*fake
	t     testing.TB
	api   *API
	hub   *stream.Hub
	files *artifact.Store
	http  *httptest.Server
	log   *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var testLimits = wire.Limits{MinBudget: 30 * time.Second, DefaultBudget: 300 * time.Second, MaxBudget: 600 * time.Second}

func setup(t testing.TB, change ...func(*Config, *timing)) *bundle {
	t.Helper()
	files, err := artifact.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	f := &fake{tasks: map[uuid.UUID]research.Task{}, events: map[uuid.UUID][]research.Event{},
		health: Health{Database: true, LLM: LLM{Provider: "reader", Connected: true, Detail: "no language model is used"}}}
	hub := stream.NewHub(f, stream.Config{Poll: 5 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { hub.Run(ctx) })
	log := &lockedBuffer{}
	settings, err := config.Load([]string{"LOG_LEVEL=debug"}, "")
	if err != nil {
		t.Fatal(err)
	}
	logger, err := logging.New(settings, log)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Auth: auth.Off{}, Tasks: f, Data: func(account string) AccountData { return fakeAccount{f, account} }, Artifacts: files, Hub: hub, Limits: testLimits, Version: "1.2.3",
		Health:      func(context.Context) Health { f.mu.Lock(); defer f.mu.Unlock(); return f.health },
		CORSOrigins: []string{"http://localhost:3000/"},
		Hosts:       []string{"example.com"}, // the host of requests made by httptest.NewRequest
		Logger:      logger.Logger, LogLevel: logger, Metrics: metrics.New("1.2.3", "test"),
	}
	intervals := timing{ping: 20 * time.Second, heartbeat: 15 * time.Second, write: 10 * time.Second, retry: 2 * time.Second}
	for _, c := range change {
		c(&cfg, &intervals)
	}
	b := &bundle{fake: f, t: t, api: newAPI(cfg, intervals), hub: hub, files: files, log: log}
	b.serve(Server("", b.api, cfg.Logger))
	t.Cleanup(func() {
		hub.Stop()
		b.http.CloseClientConnections()
		b.http.Close()
		cancel()
		running.Wait()
		if err := files.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// serve starts another HTTP server that replaces the one before.
func (b *bundle) serve(srv *http.Server) {
	if b.http != nil {
		b.http.Close()
	}
	b.http = httptest.NewUnstartedServer(nil)
	b.http.Config = srv
	b.http.Start()
}

// response is an answer that was checked against the contract.
type response struct {
	status int
	header http.Header
	body   []byte
	t      testing.TB
}

// do sends a request. header holds pairs of name and value. It fails the test when openapi.yaml does not describe the answer.
func (b *bundle) do(method, path string, body io.Reader, header ...string) response {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, b.http.URL+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	res, err := b.http.Client().Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	content, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	checkContract(b.t, req, res, content)
	return response{status: res.StatusCode, header: res.Header, body: content, t: b.t}
}

func (b *bundle) get(path string, header ...string) response {
	b.t.Helper()
	return b.do(http.MethodGet, path, nil, header...)
}

func (b *bundle) post(path, body string, header ...string) response {
	b.t.Helper()
	return b.do(http.MethodPost, path, strings.NewReader(body), append([]string{"Content-Type", "application/json"}, header...)...)
}

// contract is openapi.yaml. It is loaded once for all tests, which only read it.
var contract = sync.OnceValues(func() (routers.Router, error) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		return nil, err
	}
	return legacy.NewRouter(doc)
})

// checkContract fails the test when an answer differs from openapi.yaml. An answer that openapi.yaml does not list (404 and 405
// of other paths, preflights) must at least have the error envelope.
func checkContract(t testing.TB, req *http.Request, res *http.Response, body []byte) {
	t.Helper()
	router, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	route, params, err := router.FindRoute(req)
	if err != nil || len(req.URL.Path) > 1 && strings.HasSuffix(req.URL.Path, "/") { // the contract's router accepts a path with a final slash, and the server does not
		if res.StatusCode >= 400 && req.Method != http.MethodHead {
			envelope(t, body)
		}
		return
	}
	options := &openapi3filter.Options{IncludeResponseStatus: true}
	if mediaType := res.Header.Get("Content-Type"); mediaType != "application/json" {
		options.ExcludeResponseBody = true
		if res.StatusCode >= 400 {
			t.Errorf("%s %s: error %d has content type %q", req.Method, req.URL.Path, res.StatusCode, mediaType)
		}
	}
	err = openapi3filter.ValidateResponse(req.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: req, PathParams: params, Route: route},
		Status:                 res.StatusCode, Header: res.Header, Body: io.NopCloser(bytes.NewReader(body)), Options: options,
	})
	if err != nil {
		t.Errorf("%s %s: the answer %d breaks the contract: %v\n%s", req.Method, req.URL.Path, res.StatusCode, err, body)
	}
}

// envelope decodes an error envelope. It fails the test on unknown fields.
func envelope(t testing.TB, body []byte) api.Error {
	t.Helper()
	var e api.Error
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		t.Errorf("not the error envelope: %v\n%s", err, body)
	}
	var raw map[string]json.RawMessage
	_ = json.Unmarshal(body, &raw)
	if e.Status != "error" || e.Error == "" || e.ErrorCode == "" || len(raw) != 4 || !bytes.HasPrefix(raw["details"], []byte("{")) {
		t.Errorf("not the error envelope: %s", body)
	}
	return e
}

// wantError checks status, code and the invalid fields, in order, of an error.
func (r response) wantError(status int, code string, fields ...string) api.Error {
	r.t.Helper()
	e := envelope(r.t, r.body)
	if r.status != status || e.ErrorCode != code {
		r.t.Errorf("got %d %s, want %d %s", r.status, r.body, status, code)
	}
	var got []string
	if e.Details.Errors != nil {
		for _, f := range *e.Details.Errors {
			got = append(got, f.Field)
		}
	}
	if !slices.Equal(got, fields) {
		r.t.Errorf("invalid fields %v, want %v: %s", got, fields, r.body)
	}
	return e
}

// into decodes a successful answer.
func (r response) into(status int, v any) {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("%v: %s", err, r.body)
	}
}
