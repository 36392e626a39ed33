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
	"legwork/internal/research"
)

// Proxy is the forward proxy for all traffic of the browser.
type Proxy interface {
	URL() string                          // http://host:port
	Credentials() (user, password string) // for proxy authentication (RFC 9110 §11.7); empty if the proxy needs none
}

// Config is the configuration of a Browser. The zero value of a field means its default.
type Config struct {
	Fetcher      *page.Fetcher // loads the documents
	Proxy        Proxy
	At           string        // path of a Chromium, or ws:// or http:// address of a running one; see Find
	UserAgent    string        // User-Agent of all requests
	Dir          string        // parent of the profile folders; default: the system's folder for temporary files
	Tabs         int           // pages shown at the same time; default 4
	RecycleAfter int           // pages after which Chromium is replaced; default 100
	RenderTime   time.Duration // longest time to show one page, at most the time left for the page's load; default 8 s
	MaxDocument  int           // bytes of a document that is shown; a larger one is read as the server sent it; default 4 MiB
	MaxHTML      int64         // characters of a rendered page that are read; default 10 Mi
	Logger       *slog.Logger  // nil means no log
	// Readable returns a page in HTML with the text that was read from a document. It is used for pictures of documents that a browser would
	// show as source. If Readable is nil, the picture shows the source.
	Readable func(research.Visit) ([]byte, error)
	// Started is called when a Chromium has started (ok), did not start (failed) or ended unexpectedly (lost). It may be nil.
	Started func(result string)
}

// programs are the names and paths that Find tries, in order. The headless shell comes first: it is Chromium without the parts for windows,
// and it starts and opens a tab in a fifth of the time. Debian's headless shell is listed by its path, because its name on PATH is a script
// that starts the browser and waits for it: if either the script or the browser is killed, the other keeps running.
var programs = []string{"/usr/lib/chromium/chromium-headless-shell", "headless-shell", "headless_shell", "chrome-headless-shell",
	"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"}

// ErrNone means that no Chromium was found.
var ErrNone = errors.New("no Chromium was found (" + strings.Join(programs, ", ") + "); install one, or name it or a running one by BROWSER")

// Find returns the browser to use for a setting. If the setting is empty or "auto", Find looks for a Chromium. An address is returned
// unchanged. Anything else is the name or path of a program. The error is ErrNone, or says what is wrong with the program.
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
	ended goroutine.Group // all background goroutines

	mu       sync.Mutex
	current  *instance     // the Chromium that takes new pages; nil if there is none
	starting chan struct{} // closed when the current start has ended
	live     map[*instance]bool
	idle     []*tab // tabs that wait for the next page of their session; oldest first
	reviving bool   // true while a goroutine tries to reach a lost remote Chromium again
	version  string // version of the last Chromium that started
	failed   error  // error of the last start; nil if it succeeded
	failures int    // number of Chromiums in a row that failed to start or ended soon after
	notUntil time.Time
	closed   bool
}

// New returns a Browser. It starts no Chromium yet, but removes the profile folders of processes that have ended.
func New(cfg Config) *Browser {
	cfg.Tabs = cmp.Or(cfg.Tabs, 4)
	cfg.RecycleAfter = cmp.Or(cfg.RecycleAfter, 100)
	cfg.RenderTime = cmp.Or(cfg.RenderTime, 8*time.Second)
	cfg.MaxDocument = cmp.Or(cfg.MaxDocument, 4<<20)
	cfg.MaxHTML = cmp.Or(cfg.MaxHTML, 10<<20)
	cfg.Dir = cmp.Or(cfg.Dir, profileParent())
	cfg.UserAgent = cmp.Or(cfg.UserAgent, "legwork")
	if cfg.Started == nil {
		cfg.Started = func(string) {}
	}
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

// maxParent limits the length of the path of the folder in which profile folders are made. Chromium creates a socket below its profile
// folder, and the path of a socket has at most 107 bytes (unix(7)).
const maxParent = 30

// profileParent returns the system's folder for temporary files, or /tmp if the path of that folder is too long for Chromium.
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

// Start starts Chromium before the first page, so that Status can report whether it works.
func (b *Browser) Start(ctx context.Context) error {
	_, release, err := b.acquire(ctx)
	if err == nil {
		release()
	}
	return err
}

// Status reports whether pages can be rendered. The detail is a sentence that names the browser, or says what is missing.
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

// Tabs returns the number of tabs in use, and the most that there may be.
func (b *Browser) Tabs() (used, most int) { return len(b.slots), cap(b.slots) }

// Close ends Chromium and all background goroutines, and waits for their end. It may be called twice.
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
