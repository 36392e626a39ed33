// Package telemetry connects the parts of a process with its metrics and spans, and serves the metrics at a port of their own.
package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/exaring/otelpgx"
	"github.com/jackc/pgx/v5"

	"legwork/internal/config"
	"legwork/internal/forwarded"
	"legwork/internal/httpapi/operator"
	"legwork/internal/jobs"
	"legwork/internal/logging"
	"legwork/internal/metrics"
	"legwork/internal/store"
	"legwork/internal/store/usage"
	"legwork/internal/stream"
	"legwork/internal/tracing"
	"legwork/internal/tracing/otlp"
)

// Process is what watches a process. The zero Process watches nothing.
type Process struct {
	Metrics *metrics.Metrics // nil: none
	Tracer  *tracing.Tracer  // nil: no spans
	SQL     pgx.QueryTracer  // makes a span for each statement; nil if there are no spans
	Log     *logging.Log     // nil: its level cannot be changed

	flush  func()
	server *http.Server
}

// Open begins to watch a process. The variables OTEL_* of environ say whether spans are sent. Call Close at the end of the process.
func Open(environ []string, version, role string, log *logging.Log) (*Process, error) {
	p := &Process{Metrics: metrics.New(version, role), Log: log}
	log.Count(p.Metrics.Logged)
	tracer, provider, flush, err := otlp.Open(environ, otlp.Process{Version: version, Role: role}, log.Logger)
	if err != nil {
		return nil, err
	}
	p.Tracer, p.flush = tracer, flush
	if provider != nil {
		t := otelpgx.NewTracer(otelpgx.WithTracerProvider(provider), otelpgx.WithSpanNameFunc(nameOfQuery), otelpgx.WithDisableSQLStatementInAttributes(),
			otelpgx.WithDisableConnectionDetailsInAttributes())
		p.SQL = statements{t, t, t}
	}
	return p, nil
}

// statements traces statements, and not the many steps around them, such as taking a connection from the pool.
type statements struct {
	pgx.QueryTracer
	pgx.BatchTracer
	pgx.CopyFromTracer
}

// nameOfQuery returns the name of a query of queries/, which sqlc puts in front of it, and the first word of any other statement. Texts of statements
// and their arguments are in no span: the former are long, and the latter are data of users.
func nameOfQuery(sql string) string {
	if named, ok := strings.CutPrefix(sql, "-- name: "); ok {
		name, _, _ := strings.Cut(named, " ")
		return name
	}
	words := strings.Fields(sql[:min(len(sql), 64)])
	if len(words) == 0 {
		return "SQL"
	}
	return strings.ToUpper(words[0])
}

// Level returns the level of the log, for the API, and nothing if there is no log.
func (p *Process) Level() operator.Level {
	if p.Log == nil { // without this check, the interface would hold a nil pointer and would itself not be nil
		return nil
	}
	return p.Log
}

// Close sends the last spans.
func (p *Process) Close() {
	if p.flush != nil {
		p.flush()
	}
}

// WatchDatabase adds the pool and what the database knows to the metrics.
func (p *Process) WatchDatabase(st *store.Store, used *usage.Store) {
	p.Metrics.WatchPool(func() metrics.Pool {
		s := st.Pool().Stat()
		return metrics.Pool{Used: s.AcquiredConns(), Idle: s.IdleConns(), Max: s.MaxConns(), Acquired: s.AcquireCount(), Waited: s.EmptyAcquireCount(),
			WaitSeconds: s.EmptyAcquireWaitTime().Seconds(), Cancelled: s.CanceledAcquireCount(), ReadOnly: st.ReadOnly()}
	})
	p.Metrics.WatchDatabase(used.Installation)
}

// WatchStreams adds the streams to the metrics.
func (p *Process) WatchStreams(hub *stream.Hub) {
	p.Metrics.WatchHub(func() metrics.Hub {
		running, total := hub.LaggingReads()
		return metrics.Hub{Watched: hub.Watched(), Reading: running, Behind: total}
	})
}

// WatchTasks adds the ends of tasks to the metrics.
func (p *Process) WatchTasks(svc *jobs.Service) {
	svc.Watch(jobs.Watch{Metrics: p.Metrics, Tracer: p.Tracer})
	svc.OnEnd(func(_ context.Context, e jobs.Ended) {
		t, end := e.Task, metrics.TaskEnd{Status: string(e.Task.Status), Answered: e.Task.Answered}
		if t.ErrorCode != nil {
			end.Code = *t.ErrorCode
		}
		end.Budget, _ = t.Metadata["budget"].(string)
		if t.StartedAt != nil && t.CompletedAt != nil {
			s := t.CompletedAt.Sub(*t.StartedAt).Seconds()
			end.Seconds = &s
		}
		p.Metrics.Ended(end)
	})
}

// Serve serves the metrics at METRICS_HOST and METRICS_PORT, without access control, until Stop. Without a port it does nothing. failed
// gets the error if the server ends by itself.
func (p *Process) Serve(ctx context.Context, cfg config.Config, log *slog.Logger, failed chan<- error) error {
	if cfg.MetricsPort == 0 || p.Metrics == nil {
		return nil
	}
	addr := net.JoinHostPort(cfg.MetricsHost, strconv.Itoa(cfg.MetricsPort))
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("cannot listen on METRICS_HOST:METRICS_PORT %s; is another process using it? %w", addr, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", p.Metrics.Handler())
	p.server = &http.Server{Handler: onlyOwnNames(cfg.MetricsHost, mux), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	log.InfoContext(ctx, "metrics are served", "url", "http://"+ln.Addr().String()+"/metrics")
	go func() {
		if err := p.server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			failed <- fmt.Errorf("the port of the metrics stopped: %w", err)
		}
	}()
	return nil
}

// Stop ends what Serve began.
func (p *Process) Stop() {
	if p.server != nil {
		_ = p.server.Close()
	}
}

// onlyOwnNames refuses requests for foreign host names if the metrics are served on loopback. Otherwise a page could read them, by a name of its own that resolves to this
// machine.
func onlyOwnNames(host string, next http.Handler) http.Handler {
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return next
	}
	names := forwarded.NewHosts(nil)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !names.Allows(r.Host) {
			http.Error(w, "use the IP address of this server", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
