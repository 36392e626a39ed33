package search

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"legwork/internal/research"
)

// GoogleURL is Google's Programmable Search JSON API.
const GoogleURL = "https://www.googleapis.com/customsearch/v1"

const (
	googleName = "Google"
	googlePage = 10  // greatest number of results of one request
	googleMost = 100 // the API returns no more results for one query
)

// NewGoogle returns the engine that asks Google's Programmable Search JSON API at base, with a key and the id cx of a search engine. The
// key is sent in a header, so it is in no URL, error or log.
func NewGoogle(c *Client, base, key, cx string) Engine { return google{c, base, key, cx} }

type google struct {
	client        *Client
	base, key, cx string
}

// Name implements Engine.
func (google) Name() research.Engine { return research.Google }

// Search implements Engine. If a later page fails, the results of the earlier pages are returned.
func (g google) Search(ctx context.Context, q Query) ([]Result, error) {
	var out []Result
	for len(out) < min(q.Limit, googleMost) {
		batch := min(googlePage, min(q.Limit, googleMost)-len(out))
		found, more, err := g.page(ctx, q, len(out)+1, batch)
		if err != nil {
			if len(out) > 0 && ctx.Err() == nil {
				return out, nil // some results are better than none
			}
			return nil, err
		}
		out = append(out, found...)
		if !more || len(found) < batch {
			break
		}
	}
	return out, nil
}

func (g google) page(ctx context.Context, q Query, start, n int) (results []Result, more bool, err error) {
	u, err := url.Parse(g.base)
	if err != nil {
		return nil, false, failed("The address of %s is not valid.", googleName)
	}
	safe := "off"
	if q.SafeMode {
		safe = "active"
	}
	u.RawQuery = url.Values{"q": {q.Text}, "cx": {g.cx}, "safe": {safe}, "num": {strconv.Itoa(n)}, "start": {strconv.Itoa(start)}}.Encode()
	a, err := g.client.get(ctx, googleName, u, map[string]string{"Accept": "application/json", "X-Goog-Api-Key": g.key})
	if err != nil {
		return nil, false, err
	}
	return readGoogle(a)
}

// readGoogle reads an answer of the API. more reports whether there are further results.
func readGoogle(a answer) (results []Result, more bool, err error) {
	var in struct {
		Items []struct {
			Link, Title, Snippet string
		} `json:"items"`
		Queries struct {
			NextPage []struct{} `json:"nextPage"`
		} `json:"queries"`
		Error *struct {
			Errors []struct{ Reason string } `json:"errors"`
		} `json:"error"`
	}
	bad := json.Unmarshal(a.body, &in) != nil
	if a.status != http.StatusOK {
		reason := ""
		if in.Error != nil && len(in.Error.Errors) > 0 {
			reason = in.Error.Errors[0].Reason
		}
		return nil, false, googleRefusal(a, reason)
	}
	if bad {
		return nil, false, failed("%s sent an answer that is not JSON.", googleName)
	}
	for _, i := range in.Items {
		results = append(results, Result{URL: i.Link, Title: i.Title, Snippet: i.Snippet})
	}
	return results, len(in.Queries.NextPage) > 0, nil
}

// googleRefusal says what to do about an error of the API.
func googleRefusal(a answer, reason string) error {
	switch reason {
	case "keyInvalid", "API_KEY_INVALID", "badRequest":
		return failed("%s refused the key; check GOOGLE_API_KEY.", googleName)
	case "invalid", "required":
		return failed("%s refused the request; check GOOGLE_SEARCH_ENGINE_ID.", googleName)
	case "dailyLimitExceeded", "quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded":
		return failed("The quota of the %s key is used up.", googleName)
	case "accessNotConfigured", "SERVICE_DISABLED", "forbidden":
		return failed("%s refused the key; enable the Custom Search API for it.", googleName)
	}
	return a.refusal(googleName)
}
