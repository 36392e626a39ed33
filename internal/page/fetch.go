package page

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"legwork/internal/research"
	"legwork/internal/weburl"
)

// Config is the configuration of a Fetcher. The zero value of a field means its default.
type Config struct {
	UserAgent    string            // User-Agent header; robots.txt is matched with its product token
	AllowNets    []netip.Prefix    // networks that are allowed on any port, although they are not public
	Resolver     *net.Resolver     // nil means the system's resolver
	Confine      func(*net.Dialer) // restricts connections in addition to all other rules; nil means no further restriction
	Spacing      Spacing
	MaxBytes     int64         // greatest size of a body, compressed and uncompressed; default 10 MiB
	Timeout      time.Duration // for a whole load, without the waits for the Gate and robots.txt; default 20 s
	MaxWait      time.Duration // longest wait of one request for the Gate; after a longer wait the outcome is rate_limited; default 2 min
	MaxRedirects int           // default 10
	RobotsTTL    time.Duration // how long a robots.txt is cached; default 1 h
	IgnoreRobots bool          // for the operator's own sites
	Logger       *slog.Logger  // nil: no log
	Reader       Reader        // reads the documents; default InProcess
}

// Fetcher loads pages over HTTP. It is safe for concurrent use. Cookies last for one load.
type Fetcher struct {
	cfg    Config
	gate   Gate
	client *http.Transport // without cookies and automatic redirects, because each redirect is checked first
	robots *robots
	log    *slog.Logger
	now    func() time.Time
}

// NewFetcher returns a Fetcher whose requests wait for gate.
func NewFetcher(cfg Config, gate Gate) *Fetcher {
	cfg.UserAgent = cmp.Or(cfg.UserAgent, "legwork")
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, 10<<20)
	cfg.Timeout = cmp.Or(cfg.Timeout, 20*time.Second)
	cfg.MaxWait = cmp.Or(cfg.MaxWait, 2*time.Minute)
	cfg.MaxRedirects = cmp.Or(cfg.MaxRedirects, 10)
	cfg.RobotsTTL = cmp.Or(cfg.RobotsTTL, time.Hour)
	if cfg.Reader == nil {
		cfg.Reader = NewInProcess("")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	dialer := Dialer(cfg.AllowNets)
	dialer.Resolver = cfg.Resolver
	if cfg.Confine != nil {
		cfg.Confine(dialer)
	}
	transport := Transport(dialer)
	return &Fetcher{
		cfg: cfg, gate: gate, log: cfg.Logger, now: time.Now, robots: newRobots(cfg, transport),
		client: transport,
	}
}

// Close closes idle connections.
func (f *Fetcher) Close() { f.client.CloseIdleConnections() }

// Load requests rawURL and reads the page. A problem with the page is reported by the visit's Outcome and Message. An error means that
// ctx was cancelled or that the Gate failed; then the visit is not valid. The caller sets ID and Depth of the visit. Load never
// tries twice: after 429 and 503 the Gate delays all requests to the domain, and the caller decides whether to load again.
func (f *Fetcher) Load(ctx context.Context, rawURL string, p Policy) (research.Visit, error) {
	v, _, err := f.LoadDocument(ctx, rawURL, p)
	return v, err
}

// Fetch loads a file of any type, such as a site map. It works like Load, but returns the uncompressed body instead of reading it. The
// body is nil unless the visit's Outcome is OK.
func (f *Fetcher) Fetch(ctx context.Context, rawURL string, p Policy) (research.Visit, []byte, error) {
	l := f.newLoad(p)
	l.raw = true
	v, err := f.run(ctx, rawURL, l)
	return v, l.file, err
}

// LoadDocument works like Load, and also returns the document as the server sent it, so that a browser can show it. The document is nil if
// the load failed. Two failures return a document nevertheless: a page without text, and a login or CAPTCHA page.
func (f *Fetcher) LoadDocument(ctx context.Context, rawURL string, p Policy) (research.Visit, *Document, error) {
	l := f.newLoad(p)
	v, err := f.run(ctx, rawURL, l)
	if l.document != nil {
		l.document.Left = max(0, l.left)
	}
	return v, l.document, err
}

func (f *Fetcher) run(ctx context.Context, rawURL string, l *load) (research.Visit, error) {
	shown := weburl.Redact(rawURL)
	l.visit = research.Visit{URL: shown, FinalURL: shown, FetchedAt: f.now().UTC()}
	began := f.now()
	err := l.follow(ctx, rawURL)
	l.visit.Duration = f.now().Sub(began)
	if err == nil {
		err = ctx.Err() // if ctx was cancelled, that is the real reason for an apparent failure of the page
	}
	if err != nil {
		return research.Visit{}, fmt.Errorf("load %s: %w", shown, err)
	}
	f.log.DebugContext(ctx, "page loaded", "url", shown, "final", l.visit.FinalURL, "outcome", l.visit.Outcome,
		"status", l.visit.Status, "bytes", l.visit.Bytes, "duration", l.visit.Duration)
	return l.visit, nil
}

// load is the state of one call of Load.
type load struct {
	*Fetcher
	policy Policy
	visit  research.Visit
	left   time.Duration   // time left of Config.Timeout
	seen   map[string]bool // requests made so far, by key
	jar    *cookiejar.Jar  // cookies of this load
	raw    bool            // return the file without reading it
	file   []byte          // the file, if raw

	document *Document // the document that the visit describes, if it was read
}

func (f *Fetcher) newLoad(p Policy) *load {
	jar, err := cookiejar.New(&cookiejar.Options{PublicSuffixList: publicsuffix.List})
	if err != nil {
		panic(err) // impossible: New cannot fail
	}
	return &load{Fetcher: f, policy: p, left: f.cfg.Timeout, seen: map[string]bool{}, jar: jar}
}

// maxCookies limits the bytes of cookies in one request, because servers refuse larger headers.
const maxCookies = 8 << 10

// cookies returns the Cookie header for a request to u, or an empty string if there are no cookies.
func (l *load) cookies(u *url.URL) string {
	var b strings.Builder
	for _, c := range l.jar.Cookies(u) {
		pair := c.Name + "=" + c.Value
		if b.Len()+len(pair) > maxCookies {
			break
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		b.WriteString(pair)
	}
	return b.String()
}

// key identifies a request of a load. It contains the cookies, since a request with other cookies may get another answer.
func (l *load) key(u *url.URL) string { return u.String() + " " + l.cookies(u) }

func (l *load) fail(outcome research.Outcome, format string, args ...any) {
	l.visit.Outcome, l.visit.Message = outcome, fmt.Sprintf(format, args...)
}

// follow requests raw and follows redirects, until a page was read or the load has failed.
func (l *load) follow(ctx context.Context, raw string) error {
	for hop := 0; ; hop++ {
		u, err := ParseURL(raw)
		if err != nil {
			l.fail(research.OutcomeBadURL, "This URL cannot be opened: %s.", err)
			return nil
		}
		if hop > 0 {
			l.visit.FinalURL = u.String()
		}
		switch why := l.policy.Refuse(u.Host); {
		case why != "":
			l.fail(research.OutcomePolicy, "%s", why)
			return nil
		case l.policy.BusyAnswers.Exceeded(u.Host):
			l.fail(research.OutcomeRateLimited, "%s %s", domainOf(u), tooBusy)
			return nil
		case l.seen[l.key(u)]:
			l.fail(research.OutcomeRedirects, "%s redirects in a circle.", u.Host)
			return nil
		case hop > l.cfg.MaxRedirects:
			l.fail(research.OutcomeRedirects, "The page redirects more than %d times.", l.cfg.MaxRedirects)
			return nil
		}
		l.seen[l.key(u)] = true
		if ok, err := l.admit(ctx, u); err != nil || !ok {
			return err
		}
		next, err := l.request(ctx, u)
		if err != nil || next == "" {
			return err
		}
		raw = next
	}
}

// ParseURL parses an absolute http or https address as browsers do (package weburl). The result is the form in which addresses are
// requested and compared: without the dot at the end of a host name, and without a fragment, unless the fragment is a route (see
// weburl.IsRoute). The error is a sentence for the user that does not repeat the address.
func ParseURL(raw string) (*url.URL, error) {
	u, err := weburl.Parse(raw)
	if err != nil {
		return nil, err
	}
	requested(u)
	if u.Hostname() == "" {
		return nil, weburl.ErrInvalid
	}
	return u, nil
}

// requested removes the parts of an address that are not sent to the server or do not change its answer.
func requested(u *url.URL) {
	if !weburl.IsRoute(u.Fragment) {
		u.Fragment, u.RawFragment = "", ""
	}
	if name := u.Hostname(); strings.HasSuffix(name, ".") {
		u.Host = strings.Replace(u.Host, name, strings.TrimRight(name, "."), 1)
	}
}

// usualPort reports whether port is the default port of a scheme.
func usualPort(scheme, port string) bool {
	return scheme == "http" && port == "80" || scheme == "https" && port == "443"
}
