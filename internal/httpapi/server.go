package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/auth"
	"legwork/internal/forwarded"
	"legwork/internal/httpapi/accounts"
	"legwork/internal/httpapi/files"
	"legwork/internal/httpapi/logins"
	"legwork/internal/httpapi/operator"
	"legwork/internal/httpapi/requestlog"
	"legwork/internal/metrics"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/identities"
	"legwork/internal/store/usage"
	"legwork/internal/stream"
	"legwork/internal/tracing"
	"legwork/internal/wire"
)

// Tasks changes tasks for users. *jobs.Service implements it.
type Tasks interface {
	files.Tasks
	Submit(ctx context.Context, account string, in research.NewTask) (research.Task, error)
	// SubmitOnce is Submit with an idempotency key. When the same submission was made before with the same key, it
	// returns the first task and true.
	SubmitOnce(ctx context.Context, account, key string, in research.NewTask) (research.Task, bool, error)
	Cancel(ctx context.Context, account string, id uuid.UUID, reason string) (research.Task, error)
	Delete(ctx context.Context, account string, id uuid.UUID, reason string) error
	Rerun(ctx context.Context, account string, id uuid.UUID, by research.Author) (research.Task, error)
	// ConfirmPlan begins the children of a deep task that waits for its plan. nil keeps the sub-questions of the plan.
	ConfirmPlan(ctx context.Context, account string, id uuid.UUID, changed []research.Subquestion) (research.Task, error)
	// Tree returns a deep task and its children, and none if the task has no plan.
	Tree(ctx context.Context, account string, id uuid.UUID) ([]research.TreeNode, error)
}

// AccountData reads the data of one account. store.Account implements it. The API reads data only by this interface, so it
// cannot read another account's data.
type AccountData interface {
	files.Data
	Tasks(ctx context.Context, f store.TaskFilter) (store.TaskList, error)
	Events(ctx context.Context, taskID uuid.UUID, after int64, limit int) ([]research.Event, error)
	PageVisits(ctx context.Context, id uuid.UUID) ([]research.PageVisit, error)
	Snapshot(ctx context.Context, id uuid.UUID, page string) (research.Visit, []research.Evidence, error)
}

// Hub subscribes to the events of tasks, stored and live. *stream.Hub implements it.
type Hub interface {
	SubscribeFor(ctx context.Context, account string, taskID uuid.UUID, after int64, deltas bool) (*stream.Subscription, error)
}

// Config holds what the API needs. All fields but CORSOrigins, Hosts, Proxies, Docs and Logger are required.
type Config struct {
	Auth              Authenticator     // auth.Off allows everything to everybody
	Identities        *identities.Store // keys, members and the audit log
	Logins            logins.Config     // configuration of logins
	Usage             *usage.Store      // the limits, and how much of them has been used
	Streams           *usage.Streams    // counts the open streams of this process; nil means that open streams are not limited
	Tasks             Tasks
	Data              func(account string) AccountData
	Artifacts         files.Store
	Hub               Hub
	Health            func(context.Context) Health // called for every health check; its context ends after two seconds
	Stopping          func() bool                  // whether the process has begun to stop; nil means that Health alone says it
	Limits            wire.Limits
	CORSOrigins       []string          // scheme://host[:port], or "*" for any origin without credentials
	Hosts             []string          // names of this server besides IP addresses and loopback names; "*" allows every name
	Proxies           forwarded.Proxies // trusted proxies in front of this server, which report the addresses of clients
	RequestsPerSecond int               // limit for each client address and for each API key; 0 means no limit
	Version           string
	Docs              http.Handler     // the documentation, at /docs/; nil means that there is none
	Logger            *slog.Logger     // nil means slog.Default()
	LogLevel          operator.Level   // of the process; nil means that it cannot be changed
	Metrics           *metrics.Metrics // nil: none, and nothing at /metrics
	Tracer            *tracing.Tracer  // nil: no spans
}

// timing has the intervals and time limits of streams.
type timing struct {
	ping      time.Duration // between pings of a WebSocket
	heartbeat time.Duration // time without events after which an event stream sends a comment
	write     time.Duration // time limit for one frame to reach the client, and for the answer to a ping
	retry     time.Duration // time that browsers wait before they reconnect an event stream
}

var _ api.StrictServerInterface = (*server)(nil)

// operatorHandlers is embedded besides accounts.Handlers.
type operatorHandlers = operator.Handlers

// server implements the operations of the contract.
type server struct {
	*accounts.Handlers
	*logins.Operations
	*files.Files
	*operatorHandlers
	auth                 Authenticator
	rules                map[string]access.Rule // by operationId
	identities           *identities.Store
	usage                *usage.Store
	streams              *usage.Streams
	tasks                Tasks
	accounts             func(account string) AccountData
	hub                  Hub
	health               func(context.Context) Health
	stopping             func() bool
	limits               wire.Limits
	origins              origins
	hosts                forwarded.Hosts
	proxies              forwarded.Proxies
	addressRate, keyRate rate
	loginRate            rate // of the steps of logins, for each client address
	version              string
	docs                 http.Handler
	metrics              *metrics.Metrics
	requestLog           requestlog.Log
	log                  *slog.Logger
	timing               timing
	sockets              sockets
}

// API is the handler of all requests.
type API struct {
	http.Handler
	server *server
}

// New returns the API.
func New(cfg Config) *API {
	return newAPI(cfg, timing{ping: 20 * time.Second, heartbeat: 15 * time.Second, write: 10 * time.Second, retry: 2 * time.Second})
}

func newAPI(cfg Config, t timing) *API {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	s := &server{
		Handlers:         accounts.New(cfg.Identities, readBody),
		Operations:       logins.New(cfg.Logins, requestOf, readBody),
		operatorHandlers: operator.New(cfg.LogLevel, readBody, cfg.Logger),
		metrics:          cfg.Metrics, requestLog: requestlog.Log{Logger: cfg.Logger, Metrics: cfg.Metrics, Tracer: cfg.Tracer},
		auth: cfg.Auth, rules: access.Rules(),
		identities: cfg.Identities, usage: cfg.Usage, streams: cfg.Streams,
		tasks: cfg.Tasks, accounts: cfg.Data, hub: cfg.Hub, health: cfg.Health, stopping: cfg.Stopping, limits: cfg.Limits,
		origins: newOrigins(cfg.CORSOrigins), hosts: forwarded.NewHosts(cfg.Hosts), proxies: cfg.Proxies,
		addressRate: newRate(cfg.RequestsPerSecond), keyRate: newRate(cfg.RequestsPerSecond),
		loginRate: newRate(min(cfg.RequestsPerSecond, loginsPerSecond)), version: cfg.Version, docs: cfg.Docs, log: cfg.Logger, timing: t,
	}
	s.Files = files.New(files.Config{Tasks: cfg.Tasks, Data: func(ctx context.Context) files.Data { return s.data(ctx) }, Store: cfg.Artifacts, Fail: s.fail,
		Policy: nothingAllowed, Embedding: s.origins.embedding(), Log: cfg.Logger})
	return &API{Handler: s.routes(), server: s}
}

// Drain waits until every WebSocket has closed, because http.Server.Shutdown does not wait for WebSockets. Stop the hub
// first, so that the streams close. When ctx ends before the last WebSocket has closed, Drain returns ctx.Err().
func (a *API) Drain(ctx context.Context) error { return a.server.sockets.wait(ctx) }

func (s *server) routes() http.Handler {
	r := chi.NewRouter()
	crossSite := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errCrossSite) })
	r.Use(s.proxies.Handler, s.requestLog.Handler, s.recoverer, s.commonHeaders, s.checkHost, s.origins.cors(), s.limitAddress, s.origins.protect(crossSite),
		s.limitBody, middleware.GetHead)
	r.NotFound(func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errNoRoute) })
	r.MethodNotAllowed(s.methodNotAllowed)

	strict := api.NewStrictHandlerWithOptions(s, []api.StrictMiddlewareFunc{keepRequest},
		api.StrictHTTPServerOptions{RequestErrorHandlerFunc: s.fail, ResponseErrorHandlerFunc: s.fail})
	known, err := operations()
	if err != nil { // the embedded contract is invalid, which the tests would have found
		panic(err)
	}
	g := guarded{r, s, known}
	api.HandlerWithOptions(strict, api.ChiServerOptions{BaseRouter: g, ErrorHandlerFunc: s.failParam})

	g.handle("streamTask", "/api/tasks/{id}/stream", s.streamTask)
	g.handle("getTaskArtifact", "/api/tasks/{id}/artifacts/*", s.ServeFile)
	g.handle("getScreenshot", "/api/tasks/{id}/screenshots/*", s.ServeScreenshot)
	g.handle("getArtifact", "/artifacts/{id}/*", s.ServeFile)
	g.Router.Get("/setup", s.admit("acceptInvitation", s.setup))
	g.Router.Post("/setup", s.admit("acceptInvitation", s.setup))
	g.handle("getMetrics", "/metrics", s.serveMetrics())
	g.handle("getContractYAML", "/api/openapi.yaml", serveContract("application/yaml", api.Contract))
	g.handle("getContractJSON", "/api/openapi.json", serveContract("application/json", api.ContractJSON))
	g.handle("getContractJSON", "/openapi.json", serveContract("application/json", api.ContractJSON))
	if s.docs != nil { // for everybody: the same text is in the repository
		r.Get("/docs", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/docs/", http.StatusPermanentRedirect)
		})
		r.Get("/docs/*", func(w http.ResponseWriter, r *http.Request) {
			documentHeaders(w.Header())
			http.StripPrefix("/docs", s.docs).ServeHTTP(w, r)
		})
	}
	return r
}

// serveMetrics returns the handler of the metrics. Without metrics there is nothing.
func (s *server) serveMetrics() http.HandlerFunc {
	if s.metrics == nil {
		return func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errNoRoute) }
	}
	return s.metrics.Handler().ServeHTTP
}

// setup serves the page that the link of an invitation opens.
func (s *server) setup(w http.ResponseWriter, r *http.Request) {
	documentHeaders(w.Header())
	if err := s.ServeSetup(w, r.WithContext(context.WithValue(r.Context(), requestKey{}, r))); err != nil {
		s.fail(w, r, err)
	}
}

func serveContract(contentType string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write(content) // an error means the client has left
	}
}

// Server returns an http.Server for the API with timeouts for ordinary requests. Streams remove the read and
// write timeouts for themselves and set one for each frame.
func Server(addr string, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Addr: addr, Handler: h,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// account returns the account that a request acts for. For an anonymous caller it returns "", an account without data.
func account(ctx context.Context) string { return auth.CallerOf(ctx).AccountID }

// data returns the view of the data of the caller's account.
func (s *server) data(ctx context.Context) AccountData { return s.accounts(account(ctx)) }

// requestKey is the context key of the *http.Request that a strict handler answers.
type requestKey struct{}

// keepRequest stores the request in the context, because handlers of streams need the request.
func keepRequest(next api.StrictHandlerFunc, _ string) api.StrictHandlerFunc {
	return func(ctx context.Context, w http.ResponseWriter, r *http.Request, request any) (any, error) {
		return next(context.WithValue(ctx, requestKey{}, r), w, r, request)
	}
}

func requestOf(ctx context.Context) *http.Request {
	r, _ := ctx.Value(requestKey{}).(*http.Request)
	return r
}
