package parser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"legwork/internal/page"
)

// Config configures a Pool. The zero value of a field means its default.
type Config struct {
	Command     []string      // command that starts a process which calls Serve; required
	CacheDir    string        // cache for machine code; if it is not writable, a temporary folder is used
	Size        int           // greatest number of processes; default: one for each CPU, at least 2 and at most 4
	CPU         time.Duration // CPU time for one document at most; a document other than a PDF gets less if it is small (cpuFor); default 20 s
	Timeout     time.Duration // time for one document, without the wait for a process; default 60 s
	Memory      uint64        // bytes of RAM for all processes together; default 336 MiB
	SmallMemory uint64        // bytes of RAM that each process may use; default 96 MiB
	LargeMemory uint64        // bytes of RAM that one process may use while Memory has room for it; default 240 MiB
	LargeBody   int           // size in bytes from which a document is treated as large; default 1 MiB
	Recycle     int           // documents after which a process is replaced; default 200
	Idle        time.Duration // an unused process ends after this time; default 1 min
	Logger      *slog.Logger  // nil means no log
}

// Pool reads documents in child processes. It starts none before the first document. It is safe for concurrent use.
type Pool struct {
	cfg    Config
	slots  chan struct{}       // one for each process that may run
	large  chan struct{}       // one for each process that may read a large document
	grown  chan struct{}       // the right to use LargeMemory, which one process has at a time
	memory *semaphore.Weighted // bytes that processes may use; each process reserves its part until it ends
	ctx    context.Context
	cancel context.CancelFunc

	mu       sync.Mutex
	idle     []*process
	waiting  int // calls that wait for memory; while there are any, unused processes are ended
	sweep    *time.Timer
	closed   bool
	prepared bool
	tempDir  string // the temporary cache folder; empty if it is not needed

	preparing sync.Mutex // locked while the PDF reader is being compiled
}

// NewPool returns a Pool.
func NewPool(cfg Config) (*Pool, error) {
	if len(cfg.Command) == 0 {
		return nil, errors.New("a pool of parser processes needs the command that starts one")
	}
	cfg.Size = cmp.Or(cfg.Size, min(max(2, runtime.NumCPU()), 4))
	cfg.CPU, cfg.Timeout = cmp.Or(cfg.CPU, 20*time.Second), cmp.Or(cfg.Timeout, time.Minute)
	cfg.Memory = cmp.Or(cfg.Memory, 336<<20*raceFactor)
	cfg.LargeMemory = min(cmp.Or(cfg.LargeMemory, 240<<20*raceFactor), cfg.Memory)
	cfg.SmallMemory = min(cmp.Or(cfg.SmallMemory, 96<<20*raceFactor), cfg.LargeMemory)
	cfg.LargeBody, cfg.Recycle, cfg.Idle = cmp.Or(cfg.LargeBody, 1<<20), cmp.Or(cfg.Recycle, 200), cmp.Or(cfg.Idle, time.Minute)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	p := &Pool{
		cfg: cfg, slots: make(chan struct{}, cfg.Size), large: make(chan struct{}, max(1, cfg.Size-1)), grown: make(chan struct{}, 1),
		memory: semaphore.NewWeighted(int64(cfg.Memory)),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if err := p.openCache(); err != nil {
		return nil, err
	}
	return p, nil
}

// openCache makes sure that there is a cache folder for machine code. Without a cache, each process would compile the PDF reader itself.
// That would take seconds, and more memory than a process may use.
func (p *Pool) openCache() error {
	dir := p.cfg.CacheDir
	if dir != "" {
		abs, err := filepath.Abs(dir)
		if err == nil && os.MkdirAll(abs, 0o700) == nil {
			if probe, err := os.CreateTemp(abs, "probe"); err == nil {
				_ = probe.Close()
				p.cfg.CacheDir = abs
				return os.Remove(probe.Name())
			}
		}
	}
	dir, err := os.MkdirTemp("", "legwork-parser")
	if err != nil {
		return fmt.Errorf("no folder for the machine code of the PDF reader: %w", err)
	}
	p.cfg.CacheDir, p.tempDir = dir, dir
	return nil
}

// Close ends all processes. Running calls fail.
func (p *Pool) Close() {
	p.cancel()
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	if p.sweep != nil {
		p.sweep.Stop()
	}
	p.mu.Unlock()
	p.end(idle)
	if p.tempDir != "" {
		_ = os.RemoveAll(p.tempDir)
	}
}

// Read implements page.Reader.
func (p *Pool) Read(ctx context.Context, base *url.URL, header http.Header, body []byte) (page.Reading, error) {
	if isPDF(header, body) {
		if err := p.prepare(ctx); err != nil {
			return page.Reading{}, err
		}
	}
	q := request{URL: base.String(), Header: kept(header)}
	a, err := p.readSmall(ctx, q, body)
	if errors.Is(err, errNoRoom) {
		a, err = p.readLarge(ctx, q, body)
	}
	if err != nil {
		return page.Reading{}, err
	}
	return a.Reading, a.err()
}

// CPU time for a document that is not a PDF: a fixed part, and a part for each MiB.
const (
	startCPU = 5 * time.Second
	cpuOfMiB = time.Second
)

// cpuFor returns the CPU time for a document.
func (p *Pool) cpuFor(q request, body []byte) time.Duration {
	if isPDF(q.Header, body) {
		return p.cfg.CPU
	}
	return min(p.cfg.CPU, raceFactor*(startCPU+time.Duration(len(body))*cpuOfMiB>>20))
}

// readSmall reads a document in a process with SmallMemory. If the document needs more, the process gets LargeMemory if Config.Memory has
// room for it now. Otherwise the process is killed, and the error is errNoRoom.
func (p *Pool) readSmall(ctx context.Context, q request, body []byte) (*answer, error) {
	large := len(body) >= p.cfg.LargeBody
	if large {
		if err := p.take(ctx, p.large); err != nil {
			return nil, err
		}
		defer func() { <-p.large }()
	}
	if err := p.take(ctx, p.slots); err != nil {
		return nil, err
	}
	defer func() { <-p.slots }()
	child, err := p.child(ctx)
	if err != nil {
		return nil, err
	}
	if large {
		lowerPriority(child.cmd.Process.Pid)
	}
	a, err := p.ask(ctx, child, q, body)
	p.give(child, err == nil && !large) // a process whose priority was lowered reads no other document
	return a, err
}

// readLarge reads a document in a process that has LargeMemory from its start. Only one document is read in this way at a time. readLarge
// waits until there is room in memory, and reserves none while it waits.
func (p *Pool) readLarge(ctx context.Context, q request, body []byte) (*answer, error) {
	if err := p.take(ctx, p.grown); err != nil {
		return nil, err
	}
	child, err := p.start(ctx, p.cfg.LargeMemory, 2*p.cfg.LargeMemory)
	if err != nil {
		<-p.grown
		return nil, err
	}
	child.grown = true
	lowerPriority(child.cmd.Process.Pid)
	a, err := p.ask(ctx, child, q, body)
	p.give(child, false)
	return a, err
}

// kept returns the headers that affect how a document is read. Other headers, such as cookies, are not sent to the child.
func kept(header http.Header) http.Header {
	out := http.Header{}
	for _, name := range []string{"Content-Type", "Content-Language", "Content-Disposition", "Last-Modified", "Refresh", "Link"} {
		if v := header.Values(name); len(v) > 0 {
			out[name] = v
		}
	}
	return out
}

// isPDF reports whether a document may be a PDF.
func isPDF(header http.Header, body []byte) bool {
	return strings.Contains(strings.ToLower(header.Get("Content-Type")), "pdf") || strings.Contains(string(body[:min(len(body), 1024)]), "%PDF")
}

// take waits for a free place in a channel that is used as a semaphore.
func (p *Pool) take(ctx context.Context, places chan struct{}) error {
	select {
	case places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-p.ctx.Done():
		return errClosed
	}
}

var errClosed = errors.New("the parser processes were ended")

// prepare compiles the PDF reader into the cache once, in a process of its own that may use more memory.
func (p *Pool) prepare(ctx context.Context) error {
	p.preparing.Lock()
	defer p.preparing.Unlock()
	p.mu.Lock()
	done := p.prepared
	p.mu.Unlock()
	if done {
		return nil
	}
	child, err := p.start(ctx, p.cfg.Memory, prepareMemory) // without other processes
	if err != nil {
		return err
	}
	defer p.give(child, false)
	a, err := p.exchange(ctx, child, request{Prepare: true}, nil, nil)
	if err == nil {
		err = a.err()
	}
	if err != nil {
		return fmt.Errorf("prepare the PDF reader: %w", err)
	}
	p.mu.Lock()
	p.prepared = true
	p.mu.Unlock()
	return nil
}
