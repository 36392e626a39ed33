package sources

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"slices"

	"legwork/internal/config"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
	"legwork/internal/store"
)

// maxEngineHops is how many redirects of a search engine are followed in a row.
const maxEngineHops = 3

// Configured returns the engines that tasks may use and that have all the settings that they need.
func Configured(cfg config.Config) []research.Engine {
	var out []research.Engine
	for _, e := range research.Engines {
		if !slices.Contains(cfg.SearchEngines, string(e)) || e == research.Google && cfg.GoogleAPIKey == "" || e == research.Custom && cfg.SearchCustomURL == "" {
			continue
		}
		out = append(out, e)
	}
	return out
}

// EngineClient returns the HTTP client for search engines. It uses the same dialer as page loads, and the same pauses between
// requests to one domain.
func EngineClient(cfg config.Config, version string, fetcher *page.Fetcher, allow []netip.Prefix) *search.Client {
	dialer := page.Dialer(allow)
	if confine := Confine(); confine != nil {
		confine(dialer)
	}
	return &search.Client{
		UserAgent: cfg.UserAgent(version),
		HTTP: &http.Client{Transport: page.Transport(dialer), CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > maxEngineHops {
				return errors.New("too many redirects")
			}
			return nil
		}},
		Turn: fetcher.Turn,
	}
}

// Engines returns the search engines of the configuration. The SearXNG server may be on a private network, because
// the operator chose its address. show opens Bing's result page in a browser; it is nil if there is no browser.
func Engines(cfg config.Config, version string, st *store.Store, fetcher *page.Fetcher, show search.Show) *search.Set {
	web := EngineClient(cfg, version, fetcher, cfg.FetchAllowNets)
	var out []search.Engine
	for _, e := range Configured(cfg) {
		switch e {
		case research.DuckDuckGo:
			out = append(out, search.NewDuckDuckGo(web, search.DuckDuckGoURL))
		case research.Bing:
			out = append(out, search.NewBing(web, search.BingURL, show))
		case research.Google:
			out = append(out, search.NewGoogle(web, search.GoogleURL, cfg.GoogleAPIKey.Reveal(), cfg.GoogleSearchEngineID))
		case research.Custom:
			own := EngineClient(cfg, version, fetcher, []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")})
			own.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // no redirects, because they could lead to other private addresses
			out = append(out, search.NewCustom(own, cfg.SearchCustomURL))
		case research.Library:
			out = append(out, search.NewLibrary(func(ctx context.Context, account, question string, limit int) ([]research.Hit, error) {
				// Only the query is repeated while the database is unavailable. Repeating the whole search would
				// send the question to the other engines twice.
				return store.ReadUntilAvailable(ctx, func() ([]research.Hit, error) { return st.For(account).SearchLibrary(ctx, question, limit) })
			}))
		}
	}
	fallback := make([]research.Engine, len(cfg.SearchFallback))
	for i, name := range cfg.SearchFallback {
		fallback[i] = research.Engine(name)
	}
	return search.NewSet(out...).Fallback(fallback...)
}
