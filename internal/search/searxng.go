package search

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"legwork/internal/research"
)

const (
	customName = "The SearXNG server"
	// maxCustomPages is the greatest number of result pages that are requested for one query.
	maxCustomPages = 3
	// fullPage: the next result page is requested if a page has at least this many results. Most full pages have ten to
	// thirty.
	fullPage = 10
)

// NewCustom returns the engine that asks a SearXNG server for JSON. base is its address, with or without /search.
func NewCustom(c *Client, base string) Engine { return custom{c, base} }

type custom struct {
	client *Client
	base   string
}

// Name implements Engine.
func (custom) Name() research.Engine { return research.Custom }

// Search implements Engine. If a later page fails, the results of the earlier pages are returned.
func (s custom) Search(ctx context.Context, q Query) ([]Result, error) {
	var out []Result
	for page := 1; page <= maxCustomPages && len(out) < q.Limit; page++ {
		found, err := s.page(ctx, q, page)
		if err != nil {
			if len(out) > 0 && ctx.Err() == nil {
				return out, nil // some results are better than none
			}
			return nil, err
		}
		out = append(out, found...)
		if len(found) < fullPage {
			break
		}
	}
	return out, nil
}

func (s custom) page(ctx context.Context, q Query, page int) ([]Result, error) {
	u, err := url.Parse(s.base)
	if err != nil {
		return nil, failed("The address of %s is not valid.", customName)
	}
	if !strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/search") {
		u.Path = strings.TrimSuffix(u.Path, "/") + "/search"
	}
	safe := "0"
	if q.SafeMode {
		safe = "2"
	}
	u.RawQuery = url.Values{"q": {q.Text}, "format": {"json"}, "safesearch": {safe}, "pageno": {strconv.Itoa(page)}}.Encode()
	a, err := s.client.get(ctx, customName, u, map[string]string{"Accept": "application/json"})
	if err != nil {
		return nil, err
	}
	return readSearXNG(a)
}

// readSearXNG reads an answer of a SearXNG server.
func readSearXNG(a answer) ([]Result, error) {
	switch {
	case a.status == http.StatusForbidden:
		return nil, failed("%s refuses JSON; add json to search.formats in its settings.yml.", customName)
	case a.status != http.StatusOK:
		return nil, a.refusal(customName)
	}
	var in struct {
		Results []struct {
			URL     string `json:"url"`
			Title   string `json:"title"`
			Content string `json:"content"`
		} `json:"results"`
		Unresponsive [][]any `json:"unresponsive_engines"`
	}
	if err := json.Unmarshal(a.body, &in); err != nil {
		return nil, failed("%s sent an answer that is not JSON; check that SEARCH_CUSTOM_URL is the address of a SearXNG.", customName)
	}
	if len(in.Results) == 0 && len(in.Unresponsive) > 0 {
		return nil, failed("%s found nothing, because its engines did not answer: %s.", customName, unresponsive(in.Unresponsive))
	}
	out := make([]Result, len(in.Results))
	for i, r := range in.Results {
		out[i] = Result{URL: r.URL, Title: r.Title, Snippet: r.Content}
	}
	return out, nil
}

// unresponsive lists, for the user, the engines that did not answer SearXNG, with the reasons: [["google","CAPTCHA"],
// …].
func unresponsive(list [][]any) string {
	var out []string
	for _, entry := range list[:min(len(list), 5)] {
		var parts []string
		for _, v := range entry {
			if s, ok := v.(string); ok {
				parts = append(parts, research.Truncate(fold(s), 60))
			}
		}
		switch {
		case len(parts) == 1:
			out = append(out, parts[0])
		case len(parts) > 1:
			out = append(out, parts[0]+" ("+strings.Join(parts[1:], ", ")+")")
		}
	}
	return strings.Join(out, ", ")
}
