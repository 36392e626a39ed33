package main

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
	"legwork/internal/page"
	"legwork/internal/page/browser"
	"legwork/internal/page/proxy"
	"legwork/internal/search"
)

// overHTTP begins the messages about a missing browser.
const overHTTP = "Pages are read over HTTP, without JavaScript and without screenshots: "

// pages reads web pages for a worker: by a Fetcher, and by Chromium if there is one.
type pages struct {
	page.Source
	browser *browser.Browser // nil when there is none
	proxy   *proxy.Server
	missing string // why there is no browser; a sentence for /health and doctor
}

// openPages finds the browser of the setting BROWSER, and starts the proxy through which the browser connects to the web. With
// BROWSER=auto it is no error when there is no Chromium.
func openPages(cfg config.Config, fetcher *page.Fetcher, lists *page.Lists, log *slog.Logger) (*pages, error) {
	p := &pages{Source: fetcher}
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
	pc := proxy.Config{AllowNets: cfg.FetchAllowNets, Refuse: lists.Denied, Confine: confine(), Logger: log}
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
	if p.proxy, err = proxy.Start(pc); err != nil {
		return nil, err
	}
	var reached browser.Proxy = p.proxy
	if strings.HasPrefix(cfg.BrowserProxy, ":") && strings.Contains(at, "://") {
		reached = browser.Reached(p.proxy, at)
	}
	p.browser = browser.New(browser.Config{
		Fetcher: fetcher, Proxy: reached, At: at, UserAgent: cfg.UserAgent(version), MaxHTML: int64(cfg.FetchMaxBytes), Logger: log, Readable: exhibit.OfVisit,
	})
	p.Source = p.browser
	return p, nil
}

// show returns the function that opens result pages of search engines, each in a new BrowserContext. It returns nil
// if there is no browser.
func (p *pages) show(cfg config.Config) search.Show {
	if p.browser == nil {
		return nil
	}
	return func(ctx context.Context, u *url.URL, header http.Header, body []byte) ([]byte, error) {
		return p.browser.Show(ctx, &page.Document{URL: u, Header: header, Body: body, Left: cfg.FetchTimeout})
	}
}

// start starts Chromium before the first page needs it. Errors are logged, and status returns them.
func (p *pages) start(ctx context.Context) {
	if p.browser != nil {
		_ = p.browser.Start(ctx)
	}
}

// status returns the state of the browser for /health.
func (p *pages) status() httpapi.Browser {
	switch {
	case p == nil:
		return httpapi.Browser{Detail: "This process reads no pages; its workers do."}
	case p.browser == nil:
		return httpapi.Browser{Detail: p.missing}
	}
	ok, detail := p.browser.Status()
	return httpapi.Browser{Available: ok, Detail: detail}
}

// close ends Chromium, then its proxy.
func (p *pages) close() {
	if p != nil && p.browser != nil {
		p.browser.Close()
		_ = p.proxy.Close()
	}
}
