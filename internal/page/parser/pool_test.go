package parser

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"legwork/internal/page"
)

// TestMain runs a parser process if the first argument is "parse", or a process that misbehaves if it is "hang". Otherwise it runs the
// tests.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "parse":
			if err := Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		case "hang":
			select {}
		case "spin":
			for n := 0; ; n++ { // an endless loop
				_ = n
			}
		case "eat":
			var s settings
			_ = readJSON(os.Stdin, &s)
			_ = limitMemory(s.Memory)
			for all := [][]byte{}; ; {
				all = append(all, bytes.Repeat([]byte("x"), 1<<20))
			}
		case "panic":
			panic("broken")
		case "nice":
			answerNiceness()
			return
		}
	}
	os.Exit(m.Run())
}

// answerNiceness answers each request with the number of requests so far and the niceness of this process, instead of reading the document.
func answerNiceness() {
	var s settings
	_ = readJSON(os.Stdin, &s)
	for n := 1; ; n++ {
		var q request
		if readJSON(os.Stdin, &q) != nil {
			return
		}
		if _, err := readFrame(os.Stdin); err != nil {
			return
		}
		prio, _ := syscall.Getpriority(syscall.PRIO_PROCESS, 0) // 20 - niceness
		_ = writeJSON(os.Stdout, answer{Reading: page.Reading{Note: fmt.Sprintf("request %d, niceness %d", n, 20-prio)}})
	}
}

// TestLargeDocumentsHaveLowPriority: a process that reads a large document has a lower priority, and reads no other document afterwards.
func TestLargeDocumentsHaveLowPriority(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("priorities are set on Linux only")
	}
	p := newPool(t, Config{Size: 1, LargeBody: 1000}, "nice")
	own, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	usual, low := 20-own, max(20-own, 5)
	for i, want := range []string{fmt.Sprintf("request 1, niceness %d", usual), fmt.Sprintf("request 2, niceness %d", low), fmt.Sprintf("request 1, niceness %d", usual)} {
		body := strings.Repeat("x", []int{10, 1000, 10}[i])
		if r, err := p.Read(t.Context(), base, header("text/plain"), []byte(body)); err != nil || r.Note != want {
			t.Errorf("document %d: %q, %v; want %q", i, r.Note, err, want)
		}
	}
}

// TestTimeForADocument: the CPU time for a document grows with its size up to a limit. A PDF always gets the most.
func TestTimeForADocument(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{CPU: 20 * time.Second}, "parse")
	for _, tt := range []struct {
		kind string
		size int
		want time.Duration
	}{{"text/html", 1000, 5 * time.Second}, {"text/html", 4 << 20, 9 * time.Second}, {"text/html", 100 << 20, 20 * time.Second}, {"application/pdf", 1000, 20 * time.Second}} {
		want := min(tt.want*raceFactor, 20*time.Second)
		if got := p.cpuFor(request{Header: header(tt.kind)}, make([]byte, tt.size)); got.Round(10*time.Millisecond) != want {
			t.Errorf("%s of %d bytes: %v, want %v", tt.kind, tt.size, got, want)
		}
	}
}

func newPool(t *testing.T, cfg Config, mode string) *Pool {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Command = []string{self, mode}
	if cfg.CacheDir == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			t.Fatal(err)
		}
		cfg.CacheDir = dir + "/legwork/wasm"
	}
	p, err := NewPool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

var base = &url.URL{Scheme: "https", Host: "docs.example.com", Path: "/page.html"}

func header(contentType string) http.Header { return http.Header{"Content-Type": {contentType}} }

// TestReadsAsInProcess: a child returns the same result as reading in this process, errors included.
func TestReadsAsInProcess(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{}, "parse")
	here := page.NewInProcess("")
	defer here.Close()
	for name, tt := range map[string]struct{ contentType, body string }{
		"html":     {"text/html", "<title>T</title><h1>H</h1><p>The kettle holds 1.7 litres. <a href=/x>more</a></p>"},
		"refresh":  {"text/html", "<meta http-equiv=refresh content='0; url=/next'>"},
		"wall":     {"text/html", "<form><input type=password></form>"},
		"markdown": {"text/markdown", "# T\n\nText with [a link](x.html).\n"},
		"text":     {"text/plain", "plain words"},
		"empty":    {"text/html", ""},
		"image":    {"image/png", "\x89PNG"},
		"no pdf":   {"application/pdf", "%PDF-1.4 broken"},
	} {
		want, wantErr := here.Read(t.Context(), base, header(tt.contentType), []byte(tt.body))
		got, err := p.Read(t.Context(), base, header(tt.contentType), []byte(tt.body))
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
			t.Errorf("%s: read %+v, want %+v", name, got, want)
		}
		for _, e := range []error{page.ErrEmpty, page.ErrType, page.ErrPassword, page.ErrLimit} {
			if errors.Is(err, e) != errors.Is(wantErr, e) {
				t.Errorf("%s: error %v, want %v", name, err, wantErr)
			}
		}
	}
}

// TestLimits: a process that hangs, computes forever or uses too much memory is killed, and the error says why.
func TestLimits(t *testing.T) {
	t.Parallel()
	for mode, tt := range map[string]struct {
		cfg  Config
		want string
		err  error
	}{
		"hang":  {Config{Timeout: 200 * time.Millisecond}, "more than 200ms", page.ErrLimit},
		"spin":  {Config{CPU: time.Second, Timeout: time.Minute}, "of computing", page.ErrLimit},
		"eat":   {Config{Timeout: time.Minute}, "of memory", page.ErrLimit},
		"panic": {Config{Timeout: time.Minute}, "crashed", page.ErrType},
	} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, tt.cfg, mode)
			_, err := p.Read(t.Context(), base, header("text/html"), []byte("<p>x"))
			if !errors.Is(err, tt.err) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %v with %q", err, tt.err, tt.want)
			}
		})
	}
}

// TestContext: when the caller's context ends, the process is killed at once, and the pool continues.
func TestContext(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{Timeout: time.Minute, Size: 1}, "hang")
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := p.Read(ctx, base, header("text/html"), []byte("<p>x")); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if len(p.slots) != 0 || len(p.grown) != 0 {
		t.Error("a place was not given back")
	}
}

// TestRecycle: a process reads several documents. It is replaced after Config.Recycle documents, or when it was unused for Config.Idle.
// Close ends all processes.
func TestRecycle(t *testing.T) {
	t.Parallel()
	p := newPool(t, Config{Recycle: 3, Size: 1}, "parse")
	pids := map[int]int{}
	for range 6 {
		if _, err := p.Read(t.Context(), base, header("text/html"), []byte("<p>x")); err != nil {
			t.Fatal(err)
		}
		for _, c := range p.idle {
			pids[c.cmd.Process.Pid]++
		}
	}
	if len(pids) != 2 {
		t.Errorf("idle processes by number of times: %v, want 2 processes", pids)
	}
	if _, err := p.Read(t.Context(), base, header("text/html"), []byte("<p>x")); err != nil {
		t.Fatal(err)
	}
	last := p.idle[0]
	p.sweepIdle()
	<-last.done
	if syscall.Kill(last.cmd.Process.Pid, 0) == nil {
		t.Error("an idle process lives on")
	}
	p.Close()
	if _, err := p.Read(t.Context(), base, header("text/html"), []byte("<p>x")); !errors.Is(err, errClosed) {
		t.Error(err)
	}
}

// TestTakeTurns: all documents need more than SmallMemory, so their processes need LargeMemory, which only one
// process has at a time. There are two cases. In the first, Memory has room for a process with LargeMemory while
// other processes run. In the second, LargeMemory is the whole Memory, so a process gets it only while no other
// process has memory. In both cases all documents are read, and all reserved memory is released.
func TestTakeTurns(t *testing.T) {
	t.Parallel()
	body := []byte("<title>T</title>" + strings.Repeat("<p>Words of a long page, again and again.</p>\n", 4_000))
	for name, memory := range map[string]uint64{"beside": 600 << 20 * raceFactor, "alone": 300 << 20 * raceFactor} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, Config{Size: 3, Timeout: time.Hour, CPU: time.Hour, SmallMemory: 1, LargeMemory: 300 << 20 * raceFactor, Memory: memory}, "parse")
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					if r, err := p.Read(t.Context(), base, header("text/html"), body); err != nil || len(r.Page.Text) == 0 {
						t.Errorf("%d bytes of text, %v", len(r.Page.Text), err)
					}
				})
			}
			wg.Wait()
			p.sweepIdle()
			if len(p.grown) != 0 || len(p.slots) != 0 || !p.memory.TryAcquire(int64(memory)) {
				t.Error("not all that was reserved was given back")
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	body := []byte("<title>T</title>" + strings.Repeat("<p>Words of a page of usual length, again and again.</p>\n", 400))
	b.Run("child", func(b *testing.B) {
		self, err := os.Executable()
		if err != nil {
			b.Fatal(err)
		}
		p, err := NewPool(Config{Command: []string{self, "parse"}})
		if err != nil {
			b.Fatal(err)
		}
		defer p.Close()
		for b.Loop() {
			if _, err := p.Read(b.Context(), base, header("text/html"), body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("inprocess", func(b *testing.B) {
		p := page.NewInProcess("")
		defer p.Close()
		for b.Loop() {
			if _, err := p.Read(b.Context(), base, header("text/html"), body); err != nil {
				b.Fatal(err)
			}
		}
	})
}
