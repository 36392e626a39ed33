package main

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"
	"time"

	"legwork/internal/agent"
	"legwork/internal/agent/ranking"
	"legwork/internal/agent/reader"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"

	"legwork/eval/questions"
)

// outcome is what the reader made of a question.
type outcome struct {
	ID         string            `json:"id"`
	Kind       string            `json:"kind"`
	Manual     string            `json:"manual"`
	Answerable bool              `json:"answerable"`
	Declined   bool              `json:"declined"`
	Found      bool              `json:"found"`
	First      bool              `json:"first"`  // the first citation has an accepted text of a right page
	Opened     bool              `json:"opened"` // a right page of each part was opened
	Among      int               `json:"among"`  // place of the first right passage among those that the reader found; 0: none
	Right      int               `json:"right"`  // citations that have an accepted text of a right page
	Citations  int               `json:"citations"`
	Placed     int               `json:"placed"` // citations of repeated words
	RightPlace int               `json:"rightPlace"`
	Pages      int               `json:"pages"`
	Confidence float64           `json:"confidence"`
	Relevance  ranking.Relevance `json:"relevance"`
	Seconds    float64           `json:"seconds"`
	Answer     string            `json:"-"`
}

// ask lets the built-in reader answer a question in memory: it starts at the question's start page, or at the results of a
// search over all pages if library is true.
func ask(ctx context.Context, name string, m *manual, q questions.Question, library []*document) (outcome, error) {
	out := outcome{ID: q.ID, Kind: q.Kind, Manual: name, Answerable: q.Kind != questions.Unanswerable}
	o := research.Options{MaxPages: 20, MaxDepth: 3, MaxResults: 10, TimeBudget: time.Minute, AllowExternalLinks: true}
	if library == nil {
		o.SeedURL = "http://" + host + "/" + q.Seed
	}
	var opened []*document
	var cited []research.Evidence
	var found agent.FoundPassages
	env := agent.Env{
		Task: research.Task{Question: q.Text, Options: o}, Try: 1, LastTry: true, Started: time.Now(), Scope: page.NewScope(o, nil, nil),
		Emit: func(context.Context, ...research.Event) error { return nil },
		Record: func(_ context.Context, s research.Step) ([]research.Evidence, error) {
			cited = append(cited, s.Evidence...)
			if s.Tool == agent.ToolFind {
				return nil, json.Unmarshal(s.Result, &found)
			}
			return s.Evidence, nil
		},
		Load: func(_ context.Context, at page.Address) (research.Visit, error) {
			v := research.Visit{URL: at.URL, FinalURL: at.URL, Outcome: research.OutcomeNotFound, Status: 404}
			name := ""
			if u, err := url.Parse(at.URL); err == nil && u.Host == host {
				name = strings.TrimPrefix(u.Path, "/")
			}
			if d := m.read(name); d != nil && !d.failed {
				p := d.page
				v.Outcome, v.Status, v.Title, v.Page, v.Links = research.OutcomeOK, 200, p.Title, &p, d.links
				opened = append(opened, d)
			}
			return v, nil
		},
		Search: func(_ context.Context, query string) (search.Answer, error) {
			a := search.Answer{Asked: research.Library, Used: research.Library}
			seen := map[string]bool{}
			for _, h := range rank(library, query, 100) {
				if !seen[h.PageID] && len(a.Results) < o.MaxResults {
					seen[h.PageID] = true
					a.Results = append(a.Results, search.Result{URL: h.URL, Title: h.Title, Snippet: h.Text})
				}
			}
			return a, nil
		},
		Rank: func(_ context.Context, question string, limit int) ([]research.Hit, error) {
			return rank(opened, question, limit), nil
		},
	}
	began := time.Now()
	res, err := reader.Read(ctx, env)
	out.Seconds = time.Since(began).Seconds()
	if err != nil {
		return out, err
	}
	out.Answer, out.Confidence, out.Pages, out.Citations = res.Answer, res.Confidence, len(opened), len(cited)
	out.Declined = res.NotFound
	out.judge(q, opened, cited, found)
	return out, nil
}

// judge compares an answer with the gold.
func (out *outcome) judge(q questions.Question, opened []*document, cited []research.Evidence, found agent.FoundPassages) {
	byID := map[string]*document{}
	for _, d := range opened {
		byID[d.page.ID] = d
	}
	right := func(part questions.Part, url, text string) bool {
		for _, p := range part.Pages {
			if strings.TrimPrefix(url, "http://"+host+"/") == p && questions.ContainsAny(text, part.Accept) {
				return true
			}
		}
		return false
	}
	gold := q.Gold()
	parts, pages := 0, 0
	good := map[int]bool{}
	for _, part := range gold {
		hit := false
		for i, c := range cited {
			d := byID[c.PageID]
			text := string([]rune(d.page.Text)[c.Start:c.End])
			if !right(part, c.URL, text) {
				continue
			}
			hit, good[i] = true, true
			if ok, known := questions.RightPlace(d.page.Text, c.Start, c.End, part); known {
				out.Placed++
				if ok {
					out.RightPlace++
				}
			}
		}
		if hit {
			parts++
		}
		for _, d := range opened {
			if slicesContains(part.Pages, d.path) {
				pages++
				break
			}
		}
		for i, p := range found.Passages {
			if right(part, p.URL, p.Text) && (out.Among == 0 || i+1 < out.Among) {
				out.Among = i + 1
			}
		}
	}
	out.Relevance = found.Relevance
	out.Right, out.First = len(good), good[0]
	out.Found, out.Opened = len(gold) > 0 && parts == len(gold), len(gold) > 0 && pages == len(gold)
	if out.Declined {
		out.Found, out.First = false, false
	}
}

func slicesContains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
