package reader

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"

	"legwork/internal/agent"
	"legwork/internal/agent/agenttest"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// newWorld returns a world whose tasks the built-in reader researches.
func newWorld(t testing.TB) *agenttest.World { return agenttest.New(t, Read, Pin()) }

func pathOf(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

func TestReadAnswersFromTheManual(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	w := newWorld(t)
	for _, tt := range []struct{ question, seed, page, excerpt string }{
		{"What is the default value of max_clients?", "/index.html", "/manual/settings-network.html", "The default is 8 clients"},
		{"How long is the water kept warm after boiling?", "/index.html", "/manual/settings-heating.html", "The default is 25 minutes"},
		{"How many litres does the kettle hold?", "/index.html", "/manual/specifications.html", "1.7 litres"},
		{"What does error E42 mean?", "/index.html", "/manual/errors.html", "The lid is open"},
		{"How much citric acid do I need for descaling?", "/index.html", "/manual/descaling.html", "20 grams of citric acid"},
		{"When was version 3.2 released?", "/index.html", "/changes.txt", "14 May 2024"},
		{"Wie viel Liter fasst der Wasserkocher Aurora?", "/de/technik.html", "/de/technik.html", "1,7 Liter"},
	} {
		j := w.Submit(tt.question, agenttest.Seeded(site, tt.seed))
		res, err := j.Run(t.Context())
		if err != nil {
			t.Errorf("%s: %v", tt.question, err)
			continue
		}
		task := j.Finished()
		if !slices.ContainsFunc(task.Citations, func(c research.Evidence) bool {
			return pathOf(t, c.URL) == tt.page && strings.Contains(c.Excerpt, tt.excerpt) && c.Verified
		}) {
			t.Errorf("%s: no citation of %s has %q: %+v", tt.question, tt.page, tt.excerpt, task.Citations)
		}
		for i, c := range task.Citations {
			if c.Marker != i+1 || !strings.Contains(res.Answer, fmt.Sprintf("[%d] %s", i+1, c.Title)) {
				t.Errorf("%s: citation %d is not marked in the answer: %s", tt.question, i+1, res.Answer)
			}
			for line := range strings.Lines(c.Excerpt) {
				if !strings.Contains(res.Answer, strings.TrimSpace(line)) {
					t.Errorf("%s: the answer lacks the excerpt's line %q", tt.question, line)
				}
			}
		}
		if !strings.Contains(res.Answer, "no language model was used") {
			t.Errorf("the answer does not say that no language model was used: %s", res.Answer)
		}
		m := res.Metadata
		if m["provider"] != "reader" || m["languageModel"] != false || m["plannerVersion"] != Version || m["pagesRead"].(int) < 1 {
			t.Errorf("metadata: %v", m)
		}
		if res.Confidence <= agent.NoConfidence || res.Confidence > 1 {
			t.Errorf("confidence %v", res.Confidence)
		}
	}
}

// TestEventsOfARun checks the order of a run's events: each call is announced once, before its result, with the turn and number of its
// step.
func TestEventsOfARun(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	j := newWorld(t).Submit("What is the default value of max_clients?", agenttest.Seeded(site, "/index.html"))
	if _, err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	events, err := j.Store.Worker().Events(t.Context(), j.Task.ID, 0, 1000)
	j.Must(err)
	journal, err := j.Store.Worker().Journal(t.Context(), j.Task.ID)
	j.Must(err)
	open, results := "", 0
	for _, e := range events {
		var b struct {
			Tool, Content string
			Success       bool
			Result        map[string]any
			Metadata      struct{ Turn, CallNo int }
		}
		if err := json.Unmarshal(e.Body, &b); err != nil {
			t.Fatal(err)
		}
		switch e.Type {
		case research.EventToolCall:
			if open != "" {
				t.Errorf("%s is announced while %s is open", b.Tool, open)
			}
			open = fmt.Sprintf("%s %d.%d", b.Tool, b.Metadata.Turn, b.Metadata.CallNo)
		case research.EventToolResult:
			if key := fmt.Sprintf("%s %d.%d", b.Tool, b.Metadata.Turn, b.Metadata.CallNo); key != open {
				t.Errorf("result of %q, open is %q", key, open)
			}
			s := journal[results]
			if s.Turn != b.Metadata.Turn || s.CallNo != b.Metadata.CallNo || s.Tool != b.Tool || s.Success != b.Success {
				t.Errorf("event %s does not fit step %+v", e.Body, s)
			}
			if b.Tool == agent.ToolNavigate && (b.Result["outcome"] != "ok" || b.Result["title"] == "" || b.Result["url"] == "") {
				t.Errorf("navigate_to tells %v", b.Result)
			}
			open, results = "", results+1
		}
		if len(e.Body) > 8<<10 {
			t.Errorf("an event of %d bytes", len(e.Body))
		}
	}
	if results != len(journal) || results < 4 {
		t.Errorf("%d results, %d steps", results, len(journal))
	}
	if !slices.ContainsFunc(j.Thoughts, func(s string) bool { return strings.Contains(s, "Following “") && strings.Contains(s, "max_clients") }) {
		t.Errorf("no event says why a link is followed: %v", j.Thoughts)
	}
}

// outcome holds the results that must be equal for a disturbed and an undisturbed run.
type outcome struct {
	answer    string
	rest      string // confidence, metadata and cited numbers, as text
	citations []research.Evidence
}

func outcomeOf(j *agenttest.Work, res research.Result) outcome {
	o := outcome{answer: res.Answer, rest: fmt.Sprint(res.Confidence, res.Metadata, res.Cited)}
	for _, c := range j.Finished().Citations {
		o.citations = append(o.citations, research.Evidence{Number: c.Number, Marker: c.Marker, PageID: c.PageID, URL: c.URL, Start: c.Start, End: c.End, Excerpt: c.Excerpt})
	}
	return o
}

// TestResumeRepeatsNothing interrupts each run at one step and continues with the next run. It does so in three ways:
// the fence refuses the step, the run's context ends, or the commit of the step fails. Recorded calls are never made
// again, and the result is the same.
func TestResumeRepeatsNothing(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	w := newWorld(t)
	const question = "What are the default values of keep_warm_minutes and max_clients?"
	o := agenttest.Seeded(site, "/index.html")
	o.MaxPages = 6
	plain := w.Submit(question, o)
	res, err := plain.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, steps := outcomeOf(plain, res), plain.Recorded
	if steps < 8 || len(want.citations) < 2 {
		t.Fatalf("%d steps, %d citations: too few to tell anything", steps, len(want.citations))
	}
	check := func(t *testing.T, j *agenttest.Work, lost int) {
		t.Helper()
		res, err := j.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := outcomeOf(j, res); got.answer != want.answer || got.rest != want.rest || !slices.Equal(got.citations, want.citations) {
			t.Errorf("the resumed run ended with\n%+v\nwanted\n%+v", got, want)
		}
		if j.Recorded != steps || len(j.Calls) != steps+lost || len(j.Effects) != len(plain.Effects)+lost-citesLost(j, plain, lost) {
			t.Errorf("%d steps, %d calls, %d effects; undisturbed %d, %d, %d", j.Recorded, len(j.Calls), len(j.Effects), steps, len(plain.Calls), len(plain.Effects))
		}
		journal, err := j.Store.Worker().Journal(t.Context(), j.Task.ID)
		j.Must(err)
		seen := map[string]bool{}
		for i, s := range journal {
			if key := agent.CallKey(s.Tool, s.Args); seen[key] {
				t.Errorf("%s was recorded twice", key)
			} else {
				seen[key] = true
			}
			if s.Turn != i+1 || s.CallNo != 1 {
				t.Errorf("step %d has the key %d.%d", i+1, s.Turn, s.CallNo)
			}
		}
	}
	for k := 1; k <= steps; k++ {
		for _, how := range []string{"fenced", "cancelled", "before commit"} {
			t.Run(fmt.Sprintf("%s at %d", how, k), func(t *testing.T) {
				j := w.Submit(question, o)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				lost := 0
				switch how {
				case "fenced":
					j.AfterRecord = func(research.Step) error {
						if j.Recorded == k {
							return research.ErrFenced
						}
						return nil
					}
				case "cancelled":
					j.AfterRecord = func(research.Step) error {
						if j.Recorded == k {
							cancel()
						}
						return nil
					}
				case "before commit":
					lost = 1
					j.BeforeRecord = func(research.Step) error {
						if j.Recorded == k-1 {
							return research.ErrFenced
						}
						return nil
					}
				}
				_, err := j.Run(ctx)
				if how == "cancelled" && k == steps && err == nil {
					return // that was the last step
				}
				if how == "cancelled" && !errors.Is(err, context.Canceled) || how != "cancelled" && err != research.ErrFenced {
					t.Fatalf("the disturbed run ended with %v", err)
				}
				j.BeforeRecord, j.AfterRecord = nil, nil
				check(t, j, lost)
			})
		}
	}
	t.Run("killed after every step", func(t *testing.T) {
		j := w.Submit(question, o)
		j.AfterRecord = func(research.Step) error { return research.ErrFenced }
		for range steps {
			if _, err := j.Run(t.Context()); err != research.ErrFenced {
				t.Fatal(err)
			}
		}
		j.AfterRecord = nil
		check(t, j, 0)
	})
}

// citesLost counts the cite calls among the calls that were made but not recorded. These calls have no effect outside
// the database.
func citesLost(j, plain *agenttest.Work, lost int) int {
	count := func(w *agenttest.Work) int {
		n := 0
		for _, c := range w.Calls {
			if strings.Contains(c, `"tool":"cite"`) {
				n++
			}
		}
		return n
	}
	return min(lost, count(j)-count(plain))
}

func TestFenceStopsBeforeTheEffect(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	j := newWorld(t).Submit("What is max_clients?", agenttest.Seeded(site, "/index.html"))
	env := j.Env()
	env.Emit = func(context.Context, ...research.Event) error { return research.ErrFenced }
	if _, err := Read(t.Context(), env); err != research.ErrFenced {
		t.Errorf("err = %v", err)
	}
	if len(j.Effects) != 0 || len(site.Requests()) != 0 {
		t.Errorf("after the fence: %v, %v", j.Effects, site.Requests())
	}
	j.Fail(&research.Failure{Code: research.CodeInternal, Message: "Ended by the test."})
}

func TestCancellationDuringALoad(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	defer site.Hold("/manual/a-z.html")()
	j := newWorld(t).Submit("What is max_clients?", agenttest.Seeded(site, "/index.html"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		_ = site.WaitFor(ctx, "/manual/a-z.html", 1)
		cancel()
	}()
	if _, err := j.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
	if _, err := Read(ctx, j.Env()); !errors.Is(err, context.Canceled) {
		t.Errorf("a run that begins cancelled: %v", err)
	}
	j.Fail(&research.Failure{Code: research.CodeInternal, Message: "Ended by the test."})
}

func TestHostilePagesAreOnlyText(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	j := newWorld(t).Submit("What is the capacity of the kettle in litres?", agenttest.Seeded(site, "/manual/hidden.html"))
	res, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(res.Answer, "nine litres") || !strings.Contains(res.Answer, "1.7 litres") {
		t.Errorf("answer: %s", res.Answer)
	}
	for _, r := range site.Requests() {
		if r.Host != site.Host() {
			t.Errorf("a request to %s", r.Host)
		}
	}
}

func TestSeedsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	w := newWorld(t)
	for _, tt := range []struct {
		seed      string
		code      string
		transient bool
		says      string
	}{
		{site.URL("/status/404"), research.CodeNoSources, false, "404"},
		{site.URL("/status/503"), research.CodeNoSources, true, "503"},
		{site.URL("/reset"), research.CodeNoSources, true, "connection"},
		{site.URL("/private/secret.html"), research.CodeNoSources, false, "robots.txt"},
		{site.URL("/download.zip"), research.CodeNoSources, false, "seedUrl"},
		{site.URL("/captcha"), research.CodeNoSources, false, "seedUrl"},
		{"http://10.1.2.3/", research.CodeSeedRefused, false, "FETCH_ALLOW_NETS"},
		{"not a url", research.CodeNoSources, false, "seedUrl"},
	} {
		o := agenttest.Options()
		o.SeedURL = tt.seed
		j := w.Submit("What is max_clients?", o)
		_, err := j.Run(t.Context())
		f := agenttest.Failure(t, err)
		if f.Code != tt.code || f.Transient != tt.transient || !strings.Contains(f.Message, tt.says) {
			t.Errorf("%s: %+v", tt.seed, f)
		}
		if f.Transient {
			j.Fail(f)
		}
	}
	refusing := *w
	refusing.Fetcher = page.NewFetcher(page.Config{AllowNets: []netip.Prefix{}, Confine: testsite.StartFence(t).Confine}, agenttest.OpenGate{})
	_, err := refusing.Submit("What is max_clients?", agenttest.Seeded(site, "/index.html")).Run(t.Context())
	if f := agenttest.Failure(t, err); f.Code != research.CodeSeedRefused || f.Transient {
		t.Errorf("a seed on loopback: %+v", f)
	}
}

// TestRetryMakesTransientFailuresAgain: a new try repeats only the calls that failed transiently, at their old positions
// among the calls.
func TestRetryMakesTransientFailuresAgain(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	w := newWorld(t)
	o := agenttest.Seeded(site, "/flaky?fail=1&key=retry")
	o.MaxPages = 1
	j := w.Submit("What is the flaky page about?", o)
	_, err := j.Run(t.Context())
	if f := agenttest.Failure(t, err); !f.Transient {
		t.Fatalf("%+v", f)
	}
	if _, err := j.Run(t.Context()); !agenttest.Failure(t, err).Transient || site.Count("/flaky") != 1 {
		t.Errorf("in the same try the failed load is answered from the journal: %v, %d requests", err, site.Count("/flaky"))
	}
	j.Try = 2
	if _, err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	journal, err := w.Store.Worker().Journal(t.Context(), j.Task.ID)
	j.Must(err)
	if site.Count("/flaky") != 2 || journal[1].Try != 2 || journal[1].Turn != 2 {
		t.Errorf("%d requests, journal %+v", site.Count("/flaky"), journal)
	}
}

func TestNothingRelevantCompletesAndSaysSo(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	w := newWorld(t)
	for _, question := range []string{"Who won the chess olympiad?", "What is it?", "?", strings.Repeat("chess olympiad 1972 ", 50)} {
		res, err := w.Submit(question, agenttest.Seeded(site, "/manual/specifications.html")).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(res.Cited) != 0 || res.Metadata["partial"] != true || res.Confidence > 0.1 || !strings.Contains(res.Answer, "Nothing ") {
			t.Errorf("%s: %+v", question, res)
		}
	}
}

// TestSubjectThatNoPageHas: a question is declined although passages share words with it, if its subject occurs nowhere.
func TestSubjectThatNoPageHas(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	w := newWorld(t)
	j := w.Submit("How much does a satellite licence for the Aurora kettle cost in Norway?", agenttest.Seeded(site, "/index.html"))
	res, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Cited) != 0 || !res.NotFound || !strings.Contains(res.Answer, "satellite") || !strings.Contains(res.Answer, "Read:") {
		t.Errorf("%+v", res)
	}
}
