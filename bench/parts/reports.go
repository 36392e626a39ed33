package parts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/bench/history"
	"legwork/bench/measure"
	"legwork/internal/store"
	"legwork/internal/store/reports"
)

// questions matches the queries of docs/reporting.md.
var questions = regexp.MustCompile("(?s)\n### (\\d+\\. [^\n]+)\n\n```sql\n(.*?)```")

// mostReportMillis is the bound on the time of each query of docs/reporting.md.
const mostReportMillis = 200

// reportsPart is part r: the queries of docs/reporting.md on 100,000 tasks of 90 days with 3 million events, each round one after the other.
// The summary of all tasks is measured once.
func reportsPart(ctx context.Context, b *Bench) error {
	text, err := os.ReadFile("docs/reporting.md")
	if err != nil {
		return fmt.Errorf("run bench in the repository: %w", err)
	}
	found := questions.FindAllStringSubmatch(string(text), -1)
	if len(found) == 0 {
		return errors.New("docs/reporting.md has no questions")
	}
	url, err := b.database(ctx, "reports")
	if err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	size := history.Size{Tasks: 100_000, Days: 90, Pages: 2000}
	if b.Quick {
		size = history.Size{Tasks: 300, Days: 3, Pages: 40}
	}
	began := time.Now()
	if err := history.Fill(ctx, conn, size, true); err != nil {
		return err
	}
	b.Logf("%d tasks were made in %s", size.Tasks, time.Since(began).Round(time.Millisecond))
	perTask, err := summariseAll(ctx, url, size.Tasks)
	if err != nil {
		return err
	}
	for _, sql := range []string{"VACUUM ANALYZE", "SET max_parallel_workers_per_gather = 0", "INSERT INTO report_readers SELECT current_user, id FROM accounts"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	b.Report.Add(measure.Figure{Part: "r", Name: "the summary of a task", Unit: "ms", Values: []float64{perTask}})
	took, worked := make([][]float64, len(found)), make([][]float64, len(found))
	for range b.Pairs {
		for i, q := range found {
			began, before := time.Now(), cpuMillis(conn)
			if _, err := conn.Exec(ctx, q[2], pgx.QueryExecModeSimpleProtocol); err != nil {
				return fmt.Errorf("%s: %w", q[1], err)
			}
			took[i] = append(took[i], float64(time.Since(began).Microseconds())/1e3)
			worked[i] = append(worked[i], cpuMillis(conn)-before)
		}
	}
	for i, q := range found {
		f := measure.Figure{Part: "r", Name: q[1], Unit: "ms", Values: took[i], Target: &measure.Target{Of: "value", AtMost: mostReportMillis}}
		if slices.Max(worked[i]) > 0 {
			f.Reference, f.References = "CPU of its session", worked[i]
		}
		b.Report.Add(f)
	}
	return nil
}

// cpuMillis returns the CPU time that the session of a connection has used. It returns 0 if the server is on another machine.
func cpuMillis(conn *pgx.Conn) float64 {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/schedstat", conn.PgConn().PID()))
	if err != nil {
		return 0
	}
	var nanos float64
	_, _ = fmt.Sscan(string(raw), &nanos) // the first number of the file
	return nanos / 1e6
}

// summariseAll brings all summaries up to date and returns the milliseconds for each task.
func summariseAll(ctx context.Context, url string, tasks int) (millis float64, err error) {
	st, err := store.Open(ctx, store.Config{URL: url, MaxConns: 2, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	defer st.Close()
	began := time.Now()
	for {
		n, err := reports.Summarise(ctx, st)
		if err != nil || n == 0 {
			return float64(time.Since(began).Microseconds()) / 1e3 / float64(tasks), err
		}
	}
}
