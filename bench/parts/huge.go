package parts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"legwork/bench/measure"
)

// hugePages are pages that take much time and memory, by their names.
var hugePages = []struct {
	name string
	body func() string
}{
	{"a million links", func() string {
		// As short as links can be, so that the page is below the limit of 10 MiB and is read.
		return "<!DOCTYPE html><title>Links</title><p>Twelve kettles." + strings.Repeat("<a href=a>", 1_000_000)
	}},
	{"a manual of 9 MB", hugeManual},
	{"one word of 8 MB", func() string { return "<!DOCTYPE html><title>Word</title><p>" + strings.Repeat("a", 8<<20) }},
}

func hugeManual() string {
	var s strings.Builder
	s.WriteString("<!DOCTYPE html><html lang=en><title>Manual</title><body><main><h1>Manual</h1>")
	for section := 0; s.Len() < 9<<20; section++ {
		manualSection(&s, section/20, section)
	}
	s.WriteString("</main></body></html>")
	return s.String()
}

// hugePart is part p: how long a task with a huge page takes, how much memory the server and its parser processes take meanwhile, and how
// long other tasks take. The reference for other tasks is the same load without huge pages.
func hugePart(ctx context.Context, b *Bench) error {
	binary, err := b.build(ctx)
	if err != nil {
		return err
	}
	url, err := b.database(ctx, "huge")
	if err != nil {
		return err
	}
	bodies := make([]string, len(hugePages))
	for i, p := range hugePages {
		if bodies[i] = p.body(); b.Quick {
			bodies[i] = bodies[i][:len(bodies[i])/20]
		}
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var n int
		if _, err := fmt.Sscanf(r.URL.Path, "/huge/%d", &n); err != nil || n >= len(bodies) {
			manualPage(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, bodies[n]+"<p>"+r.URL.RawQuery) // each query is another text, so that no snapshot is used again
	}))
	defer site.Close()
	p, err := launch(ctx, binary, "DATABASE_URL="+url, "LEGWORK_HOME="+b.dir, "BROWSER=off", "LLM_PROVIDER=reader", "FETCH_ALLOW_NETS=127.0.0.0/8",
		"REQUEST_DELAY_MIN=0s", "REQUEST_DELAY_MAX=0s", "RATE_LIMIT_REQUESTS=100000", "RATE_REQUESTS_PER_SECOND=0")
	if err != nil {
		return err
	}
	defer p.stop()
	l := &hugeLoad{Bench: b, base: p.base, site: site.URL, pid: p.cmd.Process.Pid}
	got, err := measure.Rounds(ctx, b.Pairs, map[string]measure.Side{"idle": l.others, "huge": l.both}, "idle", "huge")
	if err != nil {
		return err
	}
	b.Report.Add(measure.Figure{Part: "p", Name: "other tasks while huge pages are read, p95", Unit: "ms", Values: got["huge"]["p95"],
		Reference: "without huge pages", References: got["idle"]["p95"], Target: &measure.Target{Of: "ratio", AtMost: 2}})
	for i, h := range hugePages {
		b.Report.Add(measure.Figure{Part: "p", Name: "task with " + h.name, Unit: "s", Values: got["huge"][fmt.Sprint(i)], Target: &measure.Target{Of: "value", AtMost: 20}})
	}
	b.Report.Add(measure.Figure{Part: "p", Name: "memory of server and parsers meanwhile, at most", Unit: "MiB", Values: got["huge"]["MiB"],
		Target: &measure.Target{Of: "value", AtMost: 512}})
	return nil
}

// hugeLoad asks questions about pages of a site.
type hugeLoad struct {
	*Bench
	base, site string
	pid        int
	next       atomic.Int64 // number of the next page, so that no page is read twice
}

// task asks a question about one page, waits for the end of the task, and returns the time from the request to the end.
func (l *hugeLoad) task(ctx context.Context, path string) (time.Duration, error) {
	began := time.Now()
	var t struct {
		TaskID string `json:"taskId"`
	}
	body := fmt.Sprintf(`{"question": "What is the default of setting_3_2?", "seedUrl": %q, "maxPages": 1, "maxDepth": 1, "timeBudget": 60}`, l.site+path)
	if err := call(ctx, l.base, "POST", "/api/tasks", body, &t); err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+"/api/tasks/"+t.TaskID+"/events", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept", "text/event-stream")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = res.Body.Close() }()
	_, err = io.Copy(io.Discard, res.Body) // the stream ends with the task
	return time.Since(began), err
}

// others has two clients ask about small pages for the duration of a measurement.
func (l *hugeLoad) others(ctx context.Context) (map[string]float64, error) {
	return l.measured(ctx, func() bool { return true })
}

// measured has two clients ask about small pages for at least the duration of a measurement, and until done. It returns the 95th percentile
// of the times, in milliseconds.
func (l *hugeLoad) measured(ctx context.Context, done func() bool) (map[string]float64, error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var took []float64
	errs := make([]error, 2)
	began := time.Now()
	for c := range errs {
		wg.Go(func() {
			for errs[c] == nil && (time.Since(began) < l.Duration || !done()) {
				d, err := l.task(ctx, fmt.Sprintf("/small/%d", l.next.Add(1)))
				errs[c] = err
				mu.Lock()
				took = append(took, float64(d.Microseconds())/1e3)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.Sort(took)
	return map[string]float64{"p95": took[min(len(took)-1, len(took)*95/100)]}, errors.Join(errs...)
}

// both does the same while a third client asks about each huge page once.
func (l *hugeLoad) both(ctx context.Context) (map[string]float64, error) {
	var over atomic.Bool
	var peak atomic.Int64
	huge := map[string]float64{}
	var failed error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer over.Store(true)
		for i := range hugePages {
			d, err := l.task(ctx, fmt.Sprintf("/huge/%d?%d", i, l.next.Add(1)))
			if failed = err; err != nil {
				return
			}
			huge[fmt.Sprint(i)] = d.Seconds()
		}
	})
	wg.Go(func() {
		for !over.Load() && ctx.Err() == nil {
			peak.Store(max(peak.Load(), measure.ResidentTree(l.pid)))
			measure.WaitUntil(ctx, time.Now().Add(50*time.Millisecond))
		}
	})
	out, err := l.measured(ctx, over.Load)
	wg.Wait()
	if err = errors.Join(err, failed); err != nil {
		return nil, err
	}
	for k, v := range huge {
		out[k] = v
	}
	out["MiB"] = float64(peak.Load() >> 20)
	return out, nil
}
