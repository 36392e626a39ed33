package testsite

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

// Paths of the imitated search engines. Each finds the same three pages for queries about kettles. A word in the query changes the answer: "nothing"
// finds nothing, "captcha" gets a CAPTCHA, "broken" gets a page that no parser understands, "busy" gets status 429. A query of more
// than six words finds nothing, as in engines with exact matching.
const (
	DuckDuckGoPath = "/duckduckgo/html/"
	BingPath       = "/bing/search"
	GooglePath     = "/google/customsearch/v1"
	SearXNGPath    = "/searxng/search"

	// BingScriptedPath is like BingPath, but a script writes the results, so a browser is needed.
	BingScriptedPath = "/bing/scripted"
)

// GoogleKey is the key that the imitated Google API accepts, with the engine id GoogleID.
const (
	GoogleKey = "AIza-test-key"
	GoogleID  = "0123456789abcdef0"
)

type finding struct{ URL, Title, Snippet string }

// findings returns the pages that all imitated engines return as results.
func (s *Site) findings() []finding {
	return []finding{
		{s.URL("/manual/settings-heating.html"), "2.1. Heating & keeping warm", "keep_warm_minutes: how long the water of the kettle is kept at its temperature. The default is 25 minutes."},
		{s.URL("/manual/settings-network.html"), "2.2. Network", "max_clients: the number of apps that may talk to the kettle. The default is 8 clients."},
		{s.URL("/manual/specifications.html"), "4. Specifications", "Capacity 1.7 litres, power 2200 watts. All about the Aurora kettle."},
	}
}

// engines adds the imitated search engines.
func (s *Site) engines() {
	s.Handle(DuckDuckGoPath, s.engine(s.duckDuckGo))
	s.Handle(BingPath, s.engine(s.bing))
	s.Page(BingScriptedPath, sheet("Search", `<div id="b_content"><ol id="b_results"></ol></div><script>
		fetch('`+BingPath+`' + location.search).then(r => r.text()).then(t => setTimeout(() => document.getElementById('b_content')
			.replaceWith(new DOMParser().parseFromString(t, 'text/html').getElementById('b_content')), 100))</script>`))
	s.Handle(GooglePath, s.google)
	s.Handle(SearXNGPath, s.engine(s.searxng))
}

// engine does what all imitated engines have in common, such as the special answers for some words. show writes the page with the results.
func (s *Site) engine(show func(w http.ResponseWriter, q string, found []finding)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query().Get("q")
		switch {
		case strings.Contains(q, "busy"):
			w.Header().Set("Retry-After", "120")
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		case strings.Contains(q, "broken"):
			_, _ = w.Write([]byte("<!DOCTYPE html><html><body><h1>We have a new look!</h1></body></html>"))
			return
		}
		show(w, q, s.found(q))
	}
}

func (s *Site) found(q string) []finding {
	if strings.Contains(q, "nothing") || len(strings.Fields(q)) > 6 {
		return nil
	}
	return s.findings()
}

// duckDuckGo imitates https://html.duckduckgo.com/html/: advertisements come first, and results are redirects.
func (s *Site) duckDuckGo(w http.ResponseWriter, q string, found []finding) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	if strings.Contains(q, "captcha") {
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte(`<!DOCTYPE html><html><head><title>DuckDuckGo</title></head><body><div id="header"></div>
<form id="challenge-form" action="//duckduckgo.com/anomaly.js?sv=html&amp;cc=sre&amp;ti=1" method="POST"><div class="anomaly-modal__mask">
<div class="anomaly-modal__modal is-ie" data-testid="anomaly-modal"><div class="anomaly-modal__title">Unfortunately, bots use DuckDuckGo too.</div>
<div class="anomaly-modal__description">Please complete the following challenge to confirm this search was made by a human.</div></div></div></form></body></html>`))
		return
	}
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html><html><head><title>` + template.HTMLEscapeString(q) + ` at DuckDuckGo</title></head><body class="body--html"><div id="header" class="header cw header--html">
<form name="x" class="header__form" action="/html/" method="post"><input name="q" class="search__input" type="text" value="` + template.HTMLEscapeString(q) + `"></form></div>
<div><div class="serp__results"><div id="links" class="results">`)
	if len(found) == 0 {
		b.WriteString(`<div class="result results_links results_links_deep result--no-result"><div class="links_main links_deep result__body"><h2 class="result__title"></h2><div class="no-results">No results.</div></div></div>`)
	} else {
		b.WriteString(`<div class="result results_links results_links_deep result--ad "><div class="links_main links_deep result__body"><h2 class="result__title">
<a rel="nofollow" class="result__a" href="https://duckduckgo.com/y.js?ad_domain=shop.example&amp;ad_provider=bingv7aa&amp;u3=https%3A%2F%2Fwww.bing.com%2Faclick">Kettles - Up to 50% off</a></h2>
<a class="result__snippet" href="https://duckduckgo.com/y.js?ad_domain=shop.example">Shop kettles today.</a></div></div>`)
	}
	for _, f := range found {
		href := template.HTMLEscapeString("//duckduckgo.com/l/?uddg=" + url.QueryEscape(f.URL) + "&rut=5f1cae")
		fmt.Fprintf(&b, `<div class="result results_links results_links_deep web-result "><div class="links_main links_deep result__body"><h2 class="result__title">
<a rel="nofollow" class="result__a" href="%s">%s</a></h2><div class="result__extras"><div class="result__extras__url"><a class="result__url" href="%s">%s</a></div></div>
<a class="result__snippet" href="%s">%s</a><div class="clear"></div></div></div>`,
			href, template.HTMLEscapeString(f.Title), href, template.HTMLEscapeString(f.URL), href, emphasised(f.Snippet))
	}
	b.WriteString(`</div></div></div></body></html>`)
	_, _ = w.Write([]byte(b.String()))
}

// emphasised sets the word "kettle" in bold, as engines do with the words of the query.
func emphasised(s string) string {
	return strings.ReplaceAll(template.HTMLEscapeString(s), "kettle", "<b>kettle</b>")
}

// bing imitates https://www.bing.com/search. The second result is one of Bing's redirects.
func (s *Site) bing(w http.ResponseWriter, q string, found []finding) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if strings.Contains(q, "captcha") {
		_, _ = w.Write([]byte(`<!DOCTYPE html><html><head><title>` + template.HTMLEscapeString(q) + ` - Search</title></head><body><main><div class="captcha"><div class="captcha_header">One last step</div>
<div class="captcha_text">Please solve the challenge below to continue</div><div class="cf-turnstile" data-sitekey="x"></div></div></main></body></html>`))
		return
	}
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html><html lang="en"><head><title>` + template.HTMLEscapeString(q) + ` - Search</title></head><body><header id="b_header"></header><div id="b_content"><main aria-label="Search Results"><ol id="b_results">`)
	if len(found) == 0 {
		b.WriteString(`<li class="b_no" role="listitem"><h1>There are no results for <strong>` + template.HTMLEscapeString(q) + `</strong></h1><ul><li>Check your spelling or try different keywords</li></ul></li>`)
	} else {
		b.WriteString(`<li class="b_ad b_adTop"><ul><li><div class="sb_add"><h2><a href="https://www.bing.com/aclk?ld=e8&amp;u=aHR0cHM">Kettles for less</a></h2><div class="b_caption"><p>An advertisement.</p></div></div></li></ul></li>`)
	}
	for i, f := range found {
		href := f.URL
		if i == 1 {
			href = "https://www.bing.com/ck/a?!&&p=2f1e&ptn=3&ver=2&hsh=4&u=a1" + base64.RawURLEncoding.EncodeToString([]byte(f.URL)) + "&ntb=1"
		}
		fmt.Fprintf(&b, `<li class="b_algo" data-id iid="SERP.%d"><div class="b_tpcn"><a class="tilk" href="%s"><div class="tptt">Aurora</div></a></div><h2 class=""><a href="%s" h="ID=SERP,5%d.1">%s</a></h2>
<div class="b_caption"><p class="b_lineclamp2">%s</p></div></li>`, i, template.HTMLEscapeString(href), template.HTMLEscapeString(href), i, template.HTMLEscapeString(f.Title), emphasised(f.Snippet))
	}
	b.WriteString(`<li class="b_pag"><nav role="navigation"><a class="sb_pagN" href="/search?q=x&amp;first=11">Next</a></nav></li></ol></main></div></body></html>`)
	_, _ = w.Write([]byte(b.String()))
}

// google imitates the Programmable Search JSON API. It has 23 results, at most ten per page. The first three are the results of the other
// engines.
func (s *Site) google(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	q := r.URL.Query()
	refuse := func(status int, reason, message string) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": status, "message": message,
			"errors": []any{map[string]any{"message": message, "domain": "global", "reason": reason}}}})
	}
	var start, num int
	_, _ = fmt.Sscan(q.Get("start"), &start)
	_, _ = fmt.Sscan(q.Get("num"), &num)
	switch {
	case r.Header.Get("X-Goog-Api-Key") != GoogleKey && q.Get("key") != GoogleKey:
		refuse(http.StatusBadRequest, "badRequest", "API key not valid. Please pass a valid API key.")
		return
	case q.Get("cx") != GoogleID || num < 1 || num > 10 || start < 1 || start+num > 101:
		refuse(http.StatusBadRequest, "invalid", "Request contains an invalid argument.")
		return
	case strings.Contains(q.Get("q"), "busy"):
		refuse(http.StatusTooManyRequests, "rateLimitExceeded", "Quota exceeded for quota metric 'Queries'.")
		return
	}
	found := s.found(q.Get("q"))
	for n := len(found); n > 0 && n < 23; n++ {
		found = append(found, finding{s.URL(fmt.Sprintf("/google/%d.html", n)), fmt.Sprintf("Kettle %d", n), "A page about a kettle."})
	}
	items := []any{}
	for i := start - 1; i < min(start-1+num, len(found)); i++ {
		items = append(items, map[string]any{"kind": "customsearch#result", "title": found[i].Title, "htmlTitle": emphasised(found[i].Title),
			"link": found[i].URL, "displayLink": s.Host(), "snippet": found[i].Snippet})
	}
	queries := map[string]any{"request": []any{map[string]any{"count": len(items), "startIndex": start}}}
	if start-1+num < len(found) {
		queries["nextPage"] = []any{map[string]any{"startIndex": start + num}}
	}
	out := map[string]any{"kind": "customsearch#search", "queries": queries}
	if len(items) > 0 {
		out["items"] = items
	}
	_ = json.NewEncoder(w).Encode(out)
}

// searxng imitates a SearXNG server that allows JSON. For the query "captcha" it reports that its own engines did not answer.
func (s *Site) searxng(w http.ResponseWriter, q string, found []finding) {
	w.Header().Set("Content-Type", "application/json")
	results, silent := []any{}, []any{}
	if strings.Contains(q, "captcha") {
		found, silent = nil, []any{[]any{"google", "CAPTCHA"}, []any{"brave", "Suspended: too many requests"}}
	}
	for i, f := range found {
		results = append(results, map[string]any{"url": f.URL, "title": f.Title, "content": f.Snippet, "engine": "brave",
			"engines": []any{"brave"}, "score": 1.0 / float64(i+1), "category": "general"})
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"query": q, "number_of_results": 0, "results": results, "answers": []any{},
		"corrections": []any{}, "infoboxes": []any{}, "suggestions": []any{}, "unresponsive_engines": silent})
}
