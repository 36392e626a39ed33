package browser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"legwork/internal/goroutine"
	"legwork/internal/page"
)

// Proxy is the forward proxy that all traffic of the browser goes through.
type Proxy interface {
	URL() string                          // http://host:port
	Credentials() (user, password string) // what it asks for (RFC 9110 §11.7); empty: nothing
}

// Config is the configuration of a Browser. Zero values stand for the defaults named.
type Config struct {
	Fetcher      *page.Fetcher // loads the documents
	Proxy        Proxy
	At           string        // path of a Chromium, or ws:// or http:// address of a running one; see Find
	UserAgent    string        // of every request
	Dir          string        // folder for profile folders; the system's for temporary files
	Tabs         int           // pages shown at the same time; 4
	RecycleAfter int           // pages after which Chromium is replaced; 100
	RenderTime   time.Duration // longest time to show one page, never more than what is left of its load's time; 8 s
	MaxHTML      int64         // characters of a shown page that are read; 10 Mi
	Logger       *slog.Logger  // nil: no log
}

// programs are the programs that Find looks for, in order. The headless shell comes first: it is Chromium
// without what only a window needs, and takes a fifth of the time to start and to open a tab. Debian's is named
// by its path, because the program of that name on PATH is a script that waits for it. When one of the two is
// killed, the other would be left.
var programs = []string{"/usr/lib/chromium/chromium-headless-shell", "headless-shell", "headless_shell", "chrome-headless-shell",
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// ErrNone: there is no Chromium.
var ErrNone = errors.New("no Chromium was found (" + strings.Join(programs, ", ") + "); install one, or name it or a running one by BROWSER")

// Find resolves a setting. Empty and "auto" look for a Chromium, an address stays unchanged, and anything else
// is the name or path of a program. The error is ErrNone, or says what is wrong with the program.
func Find(setting string) (at string, err error) {
	switch {
	case setting == "" || setting == "auto":
		for _, name := range programs {
			if path, err := exec.LookPath(name); err == nil {
				return path, nil
			}
		}
		return "", ErrNone
	case isAddress(setting):
		return setting, nil
	}
	path, err := exec.LookPath(setting)
	if err != nil {
		return "", fmt.Errorf("BROWSER=%s cannot be started: %w", setting, err)
	}
	return path, nil
}

func isAddress(at string) bool { return strings.Contains(at, "://") }

// Browser runs one Chromium for all sessions. It is safe for concurrent use.
type Browser struct {
	cfg   Config
	log   *slog.Logger
	slots chan struct{} // one for each tab
	base  context.Context
	end   context.CancelFunc
	ended goroutine.Group // everything that runs in the background

	mu       sync.Mutex
	current  *instance     // takes new pages; nil: none
	starting chan struct{} // closed when the current start has ended
	live     map[*instance]bool
	idle     []*tab // tabs that wait for the next page of their session; oldest first
	reviving bool   // a remote Chromium was lost, and a goroutine tries to reach it
	version  string // of the last Chromium that started
	failed   error  // error of the last start; nil: it succeeded
	failures int    // how many Chromiums in a row failed to start or ended soon after
	notUntil time.Time
	closed   bool
}

// New returns a Browser. It starts nothing yet. It removes the profile folders of processes that have ended.
func New(cfg Config) *Browser {
	cfg.Tabs = cmp.Or(cfg.Tabs, 4)
	cfg.RecycleAfter = cmp.Or(cfg.RecycleAfter, 100)
	cfg.RenderTime = cmp.Or(cfg.RenderTime, 8*time.Second)
	cfg.MaxHTML = cmp.Or(cfg.MaxHTML, 10<<20)
	cfg.Dir = cmp.Or(cfg.Dir, profileParent())
	cfg.UserAgent = cmp.Or(cfg.UserAgent, "legwork")
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	b := &Browser{cfg: cfg, log: cfg.Logger, slots: make(chan struct{}, cfg.Tabs), live: map[*instance]bool{}}
	b.base, b.end = context.WithCancel(goroutine.LogPanics(context.Background(), b.log))
	if !isAddress(cfg.At) {
		removeStale(cfg.Dir, b.log)
	}
	return b
}

// maxParent is how long the name of the folder of profile folders may be. Chromium makes a socket in a folder of its own
// below TMPDIR, and the path of a socket has at most 107 bytes (unix(7)).
const maxParent = 30

// profileParent is the system's folder for temporary files, or /tmp where the name of that is too long for Chromium.
func profileParent() string {
	dir := os.TempDir()
	if info, err := os.Stat("/tmp"); len(dir) > maxParent && err == nil && info.IsDir() {
		return "/tmp"
	}
	return dir
}

// Open implements page.Source.
func (b *Browser) Open(s page.Scope) page.Session { return b.newSession(s) }

func (b *Browser) newSession(scope page.Scope) *session {
	s := &session{browser: b, scope: scope}
	s.ctx, s.cancel = context.WithCancel(b.base)
	return s
}

// Start starts Chromium before its first page, so that Status knows whether it works.
func (b *Browser) Start(ctx context.Context) error {
	_, release, err := b.acquire(ctx)
	if err == nil {
		release()
	}
	return err
}

// Status reports whether pages can be shown. Its sentence names the browser, or what is missing.
func (b *Browser) Status() (ok bool, detail string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed:
		return false, "The browser is closed."
	case b.failed != nil:
		return false, fmt.Sprintf("Pages are read over HTTP, without JavaScript and without screenshots: %s.", strings.TrimSuffix(b.failed.Error(), "."))
	case b.version == "":
		return true, "Chromium (" + b.cfg.At + ") starts with the first page."
	}
	return true, b.version + "."
}

// Close ends Chromium and everything that uses it. It may be called twice.
func (b *Browser) Close() {
	b.mu.Lock()
	b.closed, b.current = true, nil
	live := make([]*instance, 0, len(b.live))
	for i := range b.live {
		live = append(live, i)
	}
	b.mu.Unlock()
	b.end()
	for _, i := range live {
		i.stop()
	}
	b.ended.Wait()
}
