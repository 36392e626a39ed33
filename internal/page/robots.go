package page

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"legwork/internal/page/robotstxt"
	"legwork/internal/research"
)

// Limits for robots.txt files.
const (
	robotsTimeout  = 10 * time.Second // for one robots.txt, including redirects
	robotsRetry    = 30 * time.Second // time after which robots.txt is requested again after a server error
	maxCrawlDelay  = 30 * time.Second // a longer Crawl-delay is shortened to this
	robotsRedirect = 5                // number of redirects that are followed (RFC 9309 §2.3.1.2)
	maxRobotsHosts = 10_000           // number of robots.txt files in memory
)

// robots stores the robots.txt files of hosts, by scheme and host (RFC 9309).
type robots struct {
	client *http.Client
	agent  string // User-Agent header
	token  string // product token that is compared with the file's groups
	ttl    time.Duration
	now    func() time.Time

	requests singleflight.Group // requests in progress, by scheme and host

	mu    sync.Mutex
	files map[string]rules
}

// rules are the rules of a robots.txt for our product token, or the reason why it could not be read.
type rules struct {
	file    robotstxt.Rules  // the zero value allows everything
	failed  research.Outcome // outcome of the failed request; empty if the file was read or does not exist
	message string
	expires time.Time
}

// allow reports whether the rules allow a request for u.
func (r rules) allow(u *url.URL) bool {
	path := u.EscapedPath()
	if u.RawQuery != "" {
		path += "?" + u.RawQuery
	}
	return r.file.Allowed(path)
}

// delay returns the pause between requests that the file asks for, or 0.
func (r rules) delay() time.Duration { return min(r.file.Delay, maxCrawlDelay) }

func newRobots(cfg Config, transport http.RoundTripper) *robots {
	return &robots{
		client: &http.Client{Transport: transport, CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > robotsRedirect {
				return http.ErrUseLastResponse
			}
			return nil
		}},
		agent: cfg.UserAgent, token: productToken(cfg.UserAgent), ttl: cfg.RobotsTTL, now: time.Now,
		files: map[string]rules{},
	}
}

// productToken returns the name that is looked up in robots.txt files: the User-Agent without its version.
func productToken(userAgent string) string {
	token, _, _ := strings.Cut(userAgent, "/")
	token, _, _ = strings.Cut(strings.TrimSpace(token), " ")
	if token == "" {
		return "legwork"
	}
	return strings.ToLower(token)
}

// rules returns the rules for the host of u. Concurrent callers for the same file share one request, which continues if one of the callers
// is cancelled. The error is the error of ctx.
func (r *robots) rules(ctx context.Context, u *url.URL) (rules, error) {
	key := u.Scheme + "://" + u.Host
	r.mu.Lock()
	known, ok := r.files[key]
	r.mu.Unlock()
	if ok && r.now().Before(known.expires) {
		return known, nil
	}
	ch := r.requests.DoChan(key, func() (any, error) {
		ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), robotsTimeout)
		defer stop()
		found := r.fetch(ctx, key)
		r.keep(key, found)
		return found, nil
	})
	select {
	case <-ctx.Done():
		return rules{}, ctx.Err()
	case res := <-ch:
		found, _ := res.Val.(rules)
		return found, nil
	}
}

func (r *robots) keep(key string, found rules) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.files) >= maxRobotsHosts {
		clear(r.files)
	}
	r.files[key] = found
}

// fetch requests a robots.txt. If the file does not exist (4xx), everything is allowed. If the server reports an error or asks for fewer
// requests, everything is forbidden for robotsRetry (RFC 9309 §2.3.1.4). If the server does not answer, everything is forbidden, and the
// load fails with the same error.
func (r *robots) fetch(ctx context.Context, origin string) rules {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/robots.txt", nil)
	if err != nil {
		return rules{failed: research.OutcomeBadURL, message: "The address is not valid."}
	}
	req.Header.Set("User-Agent", r.agent)
	req.Header.Set("Accept", "text/plain")
	resp, err := r.client.Do(req)
	if err != nil {
		return unreachable(err, req.URL)
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return rules{failed: research.OutcomeRateLimited, expires: r.now().Add(min(r.ttl, robotsRetry)),
			message: fmt.Sprintf("%s asks for fewer requests even for its robots.txt, so nothing of it may be read now.", req.URL.Host)}
	case resp.StatusCode >= 500:
		return rules{failed: research.OutcomeServerError, expires: r.now().Add(min(r.ttl, robotsRetry)),
			message: fmt.Sprintf("%s answers its robots.txt with status %d, so nothing of it may be read now.", req.URL.Host, resp.StatusCode)}
	case resp.StatusCode < 200 || resp.StatusCode >= 300: // the file does not exist, or its redirects form a loop
		return rules{expires: r.now().Add(r.ttl)}
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, robotstxt.MaxSize+1))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return unreachable(err, req.URL)
	}
	return rules{file: robotstxt.Parse(body, r.token), expires: r.now().Add(r.ttl)}
}

// unreachable returns rules that forbid everything and say why robots.txt could not be requested. They are not cached, so the next load
// requests the file again.
func unreachable(err error, u *url.URL) rules {
	outcome, message := Classify(err, u)
	return rules{failed: outcome, message: message}
}
