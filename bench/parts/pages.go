package parts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	readability "codeberg.org/readeck/go-readability/v2"
	"github.com/chromedp/chromedp"

	"legwork/bench/measure"
	"legwork/internal/page"
	"legwork/internal/page/browser"
	"legwork/internal/page/proxy"
	"legwork/internal/research"
)

// readers is how many pages each side reads at the same time. It equals the browser's default number of tabs.
const readers = 4

// pagesPart is part g: pages per second over HTTP and in the browser. The references are net/http with readability,
// and chromedp without legwork, on the same documents. There are no pauses between requests. The site, the fetcher
// and the references run in this process. Documents are parsed in separate processes, as in a legwork server.
func pagesPart(ctx context.Context, b *Bench) error {
	site := httptest.NewServer(http.HandlerFunc(manualPage))
	defer site.Close()
	parsers, err := newParsers(b.dir)
	if err != nil {
		return err
	}
	defer parsers.Close()
	loopback := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	fetcher := page.NewFetcher(page.Config{AllowNets: loopback, UserAgent: "legwork/bench", Timeout: time.Minute,
		Reader: parsers}, noSpacing{})
	defer fetcher.Close()
	p := &pageLoad{Bench: b, site: site.URL}
	if b.matches("over HTTP") {
		if err := p.overHTTP(ctx, fetcher); err != nil {
			return err
		}
	}
	at, err := browser.Find("auto")
	if errors.Is(err, browser.ErrNone) {
		b.Logf("part pages: no browser figures: %s", err)
		return nil
	}
	if err != nil || !b.matches("in the browser") {
		return err
	}
	out, err := proxy.Start(proxy.Config{AllowNets: loopback})
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	shown := browser.New(browser.Config{Fetcher: fetcher, Proxy: out, At: at, UserAgent: "legwork/bench", Tabs: readers,
		RenderTime: 40 * time.Second, Logger: slog.New(slog.DiscardHandler)})
	defer shown.Close()
	if err := shown.Start(ctx); err != nil {
		return err
	}
	return p.inBrowser(ctx, shown, at)
}

// noSpacing is a page.Gate that grants every request at once.
type noSpacing struct{}

// Reserve implements page.Gate.
func (noSpacing) Reserve(context.Context, string, page.Spacing) (time.Duration, error) { return 0, nil }

// Backoff implements page.Gate.
func (noSpacing) Backoff(context.Context, string, time.Duration) error { return nil }

// Quiet implements page.Gate.
func (noSpacing) Quiet(context.Context, string) (time.Duration, error) { return 0, nil }

// Settle implements page.Gate.
func (noSpacing) Settle(context.Context, string) error { return nil }

// pageLoad reads pages of a site.
type pageLoad struct {
	*Bench
	site string
	next atomic.Int64 // number of the next page, so that no page is requested twice
}

// each returns a Side in which all readers call do with one page after another for the duration of a measurement. The
// Side returns pages per second.
func (p *pageLoad) each(folder string, do func(ctx context.Context, reader int, url string) error) measure.Side {
	return func(ctx context.Context) (map[string]float64, error) {
		ctx, cancel := context.WithTimeout(ctx, p.Duration+time.Minute)
		defer cancel()
		var wg sync.WaitGroup
		var done atomic.Int64
		var errs [readers]error
		began := time.Now()
		for reader := range readers {
			wg.Go(func() {
				for errs[reader] == nil && time.Since(began) < p.Duration {
					if errs[reader] = do(ctx, reader, fmt.Sprintf("%s/%s/%d", p.site, folder, p.next.Add(1))); errs[reader] == nil {
						done.Add(1)
					}
				}
			})
		}
		wg.Wait()
		return map[string]float64{"/s": float64(done.Load()) / time.Since(began).Seconds()}, errors.Join(errs[:]...)
	}
}

func (p *pageLoad) add(name, unit string, got, reference map[string][]float64, referenceName string) {
	p.Report.Add(measure.Figure{Part: "g", Name: fmt.Sprintf("%s, %d at once", name, readers), Unit: unit, Values: got["/s"],
		Reference: referenceName, References: reference["/s"]})
}

func (p *pageLoad) overHTTP(ctx context.Context, fetcher *page.Fetcher) error {
	transport := &http.Transport{MaxIdleConnsPerHost: readers}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	got, err := measure.Rounds(ctx, p.Pairs, map[string]measure.Side{
		"legwork": p.each("plain", func(ctx context.Context, _ int, url string) error {
			return wellRead(fetcher.Load(ctx, url, page.Policy{}))
		}),
		"readability": p.each("plain", func(ctx context.Context, _ int, url string) error { return bareRead(ctx, client, url) }),
	}, "legwork", "readability")
	if err == nil {
		p.add("pages read over HTTP", "pages/s", got["legwork"], got["readability"], "net/http and readability")
	}
	return err
}

func wellRead(v research.Visit, err error) error {
	if err == nil && (v.Outcome != research.OutcomeOK || v.Page == nil || !strings.Contains(v.Page.Text, closingSentence)) {
		err = fmt.Errorf("%s was not read: %s %s %s", v.URL, v.Outcome, v.Message, v.Note)
	}
	return err
}

// bareRead reads a page as a program without legwork would.
func bareRead(ctx context.Context, client *http.Client, raw string) error {
	at, err := url.Parse(raw)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, raw, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	article, err := readability.FromReader(response.Body, at)
	if err != nil {
		return err
	}
	var text strings.Builder
	if err := article.RenderText(&text); err != nil {
		return err
	}
	if !strings.Contains(text.String(), closingSentence) {
		return fmt.Errorf("readability did not read %s", raw)
	}
	return nil
}

func (p *pageLoad) inBrowser(ctx context.Context, shown *browser.Browser, at string) error {
	tabs, closeTabs, err := bareTabs(ctx, at)
	defer closeTabs()
	if err != nil {
		return err
	}
	session := shown.Open(page.Scope{})
	defer session.Close()
	got, err := measure.Rounds(ctx, p.Pairs, map[string]measure.Side{
		"legwork": p.each("script", func(ctx context.Context, _ int, url string) error {
			v, err := session.Load(ctx, page.Address{URL: url})
			if err == nil && (v.Page == nil || !strings.Contains(v.Page.Text, scriptSentence)) {
				return fmt.Errorf("%s was read without its script: %s %s", url, v.Message, v.Note)
			}
			return err
		}),
		"chromedp": p.each("script", func(_ context.Context, reader int, url string) error { return bareShow(tabs[reader], url) }),
		"picture": p.each("script", func(ctx context.Context, _ int, url string) error {
			_, err := session.Shoot(ctx, page.ShotRequest{URL: url})
			return err
		}),
		"bare picture": p.each("script", func(_ context.Context, reader int, url string) error {
			if _, err := chromedp.Run(tabs[reader], chromedp.Navigate(url)); err != nil {
				return err
			}
			_, err := chromedp.Run(tabs[reader], chromedp.CaptureScreenshot())
			return err
		}),
	}, "legwork", "chromedp", "picture", "bare picture")
	if err == nil {
		p.add("pages read in the browser", "pages/s", got["legwork"], got["chromedp"], "chromedp, navigate and outerHTML")
		p.add("screenshots", "pictures/s", got["picture"], got["bare picture"], "chromedp, navigate and capture")
	}
	return err
}

// bareTabs opens a tab for each reader in one Chromium, with chromedp's own flags.
func bareTabs(ctx context.Context, at string) (tabs []context.Context, closeAll func(), err error) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(at), chromedp.WindowSize(1280, 800))
	ctx, closeAll = chromedp.NewExecAllocator(ctx, options...)
	first, _ := chromedp.NewContext(ctx) // closeAll ends it together with its tabs
	for range readers {
		tab := first
		if len(tabs) > 0 {
			tab, _ = chromedp.NewContext(first)
		}
		if _, err := chromedp.Run(tab, chromedp.Navigate("about:blank")); err != nil {
			return nil, closeAll, fmt.Errorf("start Chromium: %w", err)
		}
		tabs = append(tabs, tab)
	}
	return tabs, closeAll, nil
}

func bareShow(tab context.Context, url string) error {
	if _, err := chromedp.Run(tab, chromedp.Navigate(url)); err != nil {
		return err
	}
	html, err := chromedp.Run(tab, chromedp.OuterHTML("html"))
	if err == nil && !strings.Contains(html, scriptSentence) {
		err = fmt.Errorf("chromedp did not show %s", url)
	}
	return err
}
