// Package sources opens what a worker reads: pages over HTTP and in Chromium, parser processes for documents, and search engines.
// All of them share the dialer that checks addresses, and the pauses between requests to one domain.
package sources

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"

	"legwork/internal/config"
	"legwork/internal/exhibit"
	"legwork/internal/httpapi"
	"legwork/internal/metrics"
	"legwork/internal/page"
	"legwork/internal/page/browser"
	"legwork/internal/page/proxy"
	"legwork/internal/search"
)

// overHTTP begins the messages about a missing browser.
const overHTTP = "Pages are read over HTTP, without JavaScript and without screenshots: "

// Pages reads web pages for a worker: by a Fetcher, and by Chromium if there is one.
type Pages struct {
	page.Source
	Proxy   *proxy.Server    // nil when there is no browser
	browser *browser.Browser // nil when there is none
	missing string           // why there is no browser; a sentence for /health and doctor
}

// OpenPages finds the browser of the setting BROWSER, and starts the proxy through which the browser connects to the web. With
// BROWSER=auto it is no error when there is no Chromium.
func OpenPages(cfg config.Config, version string, fetcher *page.Fetcher, lists *page.Lists, counts *metrics.Metrics, log *slog.Logger) (*Pages, error) {
	p := &Pages{Source: fetcher}
	if cfg.Browser == config.BrowserOff {
		p.missing = overHTTP + "BROWSER=off."
		return p, nil
	}
	at, err := browser.Find(cfg.Browser)
	if errors.Is(err, browser.ErrNone) {
		p.missing = overHTTP + err.Error() + "."
		log.Warn(p.missing)
		return p, nil
	}
	if err != nil {
		return nil, err
	}
	pc := proxy.Config{AllowNets: cfg.FetchAllowNets, Refuse: lists.Denied, Confine: Confine(), Logger: log}
	if cfg.BrowserProxy != "" {
		host, port, err := net.SplitHostPort(cfg.BrowserProxy)
		if err != nil {
			return nil, fmt.Errorf("BROWSER_PROXY: %w", err)
		}
		pc.Listen, pc.Advertise = ":"+port, host
		if host == "" && !strings.Contains(at, "://") { // the Chromium runs on this machine
			pc.Listen = "127.0.0.1:" + port
		}
	}
	if p.Proxy, err = proxy.Start(pc); err != nil {
		return nil, err
	}
	var reached browser.Proxy = p.Proxy
	if strings.HasPrefix(cfg.BrowserProxy, ":") && strings.Contains(at, "://") {
		reached = browser.Reached(p.Proxy, at)
	}
	p.browser = browser.New(browser.Config{
		Fetcher: fetcher, Proxy: reached, At: at, UserAgent: cfg.UserAgent(version), MaxHTML: int64(cfg.FetchMaxBytes), Logger: log,
		Readable: exhibit.OfVisit, Started: counts.BrowserStarted,
	})
	p.Source = p.browser
	counts.WatchBrowser(func() metrics.Browser {
		ok, _ := p.browser.Status()
		used, most := p.browser.Tabs()
		return metrics.Browser{Available: ok, Tabs: used, Most: most}
	})
	return p, nil
}

// Show returns the function that opens result pages of search engines, each in a new BrowserContext. It returns nil
// if there is no browser.
func (p *Pages) Show(cfg config.Config) search.Show {
	if p.browser == nil {
		return nil
	}
	return func(ctx context.Context, u *url.URL, header http.Header, body []byte) ([]byte, error) {
		return p.browser.Show(ctx, &page.Document{URL: u, Header: header, Body: body, Left: cfg.FetchTimeout})
	}
}

// Start starts Chromium before the first page needs it. Errors are logged, and Status returns them.
func (p *Pages) Start(ctx context.Context) {
	if p.browser != nil {
		_ = p.browser.Start(ctx)
	}
}

// Status returns the state of the browser for /health.
func (p *Pages) Status() httpapi.Browser {
	switch {
	case p == nil:
		return httpapi.Browser{Detail: "This process reads no pages; its workers do."}
	case p.browser == nil:
		return httpapi.Browser{Detail: p.missing}
	}
	ok, detail := p.browser.Status()
	return httpapi.Browser{Available: ok, Detail: detail}
}

// HasBrowser reports whether a Chromium was found.
func (p *Pages) HasBrowser() bool { return p != nil && p.browser != nil }

// Close ends Chromium, then its proxy.
func (p *Pages) Close() {
	if p != nil && p.browser != nil {
		p.browser.Close()
		_ = p.Proxy.Close()
	}
}
