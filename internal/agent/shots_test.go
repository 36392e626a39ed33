package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// camera is a browser that takes pictures of anything, and remembers of what.
type camera struct {
	mu     sync.Mutex
	shots  []page.ShotRequest
	names  []string
	now    int                                                        // on their way
	most   int                                                        // at once
	before func(ctx context.Context, n int, r page.ShotRequest) error // nil: nothing goes wrong
	narrow bool                                                       // a picture shows one quote; otherwise all
}

func (c *camera) shoot(ctx context.Context, name string, r page.ShotRequest) (Picture, error) {
	c.mu.Lock()
	n := len(c.shots)
	c.shots, c.names = append(c.shots, r), append(c.names, name)
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	defer func() { c.mu.Lock(); c.now--; c.mu.Unlock() }()
	if c.before != nil {
		if err := c.before(ctx, n, r); err != nil {
			return Picture{}, err
		}
	}
	shown := make([]bool, len(r.Quotes))
	for i := range shown {
		shown[i] = i == 0 || !c.narrow
	}
	return Picture{URL: r.URL, Width: 1280, Height: 800, Shown: shown,
		File: research.Artifact{Name: name + "-1.png", Kind: research.KindScreenshot, ContentType: "image/png", Bytes: 1000}}, nil
}

// taken are the addresses of the pictures so far.
func (c *camera) taken() (urls []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.shots {
		urls = append(urls, r.URL)
	}
	return urls
}

// bodies are the bodies of a task's events of a type.
func (j *work) bodies(kind research.EventType) (out []map[string]any) {
	j.t.Helper()
	events, err := j.store.Worker().Events(j.t.Context(), j.task.ID, 0, 1000)
	j.must(err)
	for _, e := range events {
		if e.Type == kind {
			var m map[string]any
			j.must(json.Unmarshal(e.Body, &m))
			out = append(out, m)
		}
	}
	return out
}

// pictured demands that every citation has a picture of its page, and that events and task tell of the same ones in order.
func (j *work) pictured() research.Task {
	j.t.Helper()
	task := j.finished()
	byURL := map[string]string{}
	for _, c := range task.Citations {
		if c.ScreenshotURL == "" || byURL[c.URL] != "" && byURL[c.URL] != c.ScreenshotURL || !slices.Contains(task.Screenshots, c.ScreenshotURL) {
			j.t.Errorf("citation %d of %s has the picture %q, the task %v", c.Marker, c.URL, c.ScreenshotURL, task.Screenshots)
		}
		byURL[c.URL] = c.ScreenshotURL
	}
	var told []string
	for _, e := range j.bodies(research.EventScreenshot) {
		told = append(told, fmt.Sprint(e["imageUrl"]))
		meta, _ := e["metadata"].(map[string]any)
		if _, ok := e["fullPage"].(bool); !ok || !strings.HasPrefix(fmt.Sprint(meta["url"]), "http://") {
			j.t.Errorf("event %v", e)
		}
	}
	if !slices.Equal(told, task.Screenshots) || len(told) != len(byURL) {
		j.t.Errorf("events tell of %v, the task of %v, for the pages %v", told, task.Screenshots, byURL)
	}
	return task
}

// Every page that the reader cites is pictured, with the first quote that the answer has of it in view.
func TestCitedPagesArePictured(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	c := &camera{}
	j := newWorld(t).submit("What is the default value of max_clients, and how long is the water kept warm after boiling?", seeded(site, "/index.html"))
	j.shoot = c.shoot
	res, err := j.run(t.Context())
	require.NoError(t, err)
	task := j.pictured()
	require.NotEmpty(t, task.Screenshots)
	for i, r := range c.shots {
		at := slices.IndexFunc(task.Citations, func(c research.Evidence) bool { return c.URL == r.URL })
		var excerpts []string
		for _, c := range task.Citations {
			if c.URL == r.URL {
				excerpts = append(excerpts, c.Excerpt)
			}
		}
		require.Equal(t, excerpts, r.Quotes, "all quotes of its page")
		require.False(t, r.FullPage)
		require.Contains(t, task.Citations[at].ScreenshotURL, c.names[i])
		require.Regexp(t, `^shot-\d{3}-\d$`, c.names[i])
	}
	require.Len(t, res.Cited, len(task.Citations))
}

// Where one picture does not show all that is cited of a page, each citation gets a picture of its own, across a crash too.
func TestEachCitationHasItsPicture(t *testing.T) {
	t.Parallel()
	c := &camera{narrow: true}
	script, change := lazily(func(url func(string) string) []testsite.Turn {
		heating := url("/manual/settings-heating.html")
		return []testsite.Turn{
			turn(call("navigate_to", "url", heating)),
			turn(call("cite", "url", heating, "quote", "boil_temperature"), call("cite", "url", heating, "quote", "keep_warm_minutes"),
				call("cite", "url", url("/index.html"), "quote", "the Aurora networked kettle")),
			{Text: "DONE"}, {Text: "It boils [1], it keeps warm [2], and it is a kettle [3]."},
		}
	})
	a := newAsking(t, script, change)
	a.shoot = c.shoot
	lost := errors.New("the worker was killed")
	a.afterRecord = func(s research.Step) error {
		if s.Tool == ToolScreenshot {
			a.afterRecord = nil
			return lost
		}
		return nil
	}
	_, err := a.run(t.Context())
	require.ErrorIs(t, err, lost)
	a.answered(t)
	task := a.finished()
	require.Len(t, task.Citations, 3)
	require.Len(t, task.Screenshots, 3)
	names := map[string]bool{}
	for _, cite := range task.Citations {
		i := slices.IndexFunc(c.names, func(name string) bool { return strings.Contains(cite.ScreenshotURL, name) })
		require.GreaterOrEqual(t, i, 0, cite.ScreenshotURL)
		require.Equal(t, cite.Excerpt, c.shots[i].Quotes[0], "the picture was taken for this quote")
		require.False(t, names[c.names[i]], "two citations share a picture that shows one of them")
		names[c.names[i]] = true
	}
	steps, err := a.store.Worker().Journal(t.Context(), a.task.ID)
	require.NoError(t, err)
	pictures := 0
	for _, s := range steps {
		if s.Tool == ToolScreenshot {
			pictures++
		}
	}
	require.Equal(t, 3, pictures, "what was recorded before the crash is not taken again")
}

// Without a browser nothing is tried and nothing is told.
func TestNoBrowserNoPictures(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	j := newWorld(t).submit("What is the default value of max_clients?", seeded(site, "/index.html"))
	_, err := j.run(t.Context())
	require.NoError(t, err)
	for _, c := range append(j.calls, j.thoughts...) {
		require.NotContains(t, strings.ToLower(c), "screenshot")
	}
	require.Empty(t, j.finished().Screenshots)
	require.Empty(t, j.finished().Citations[0].ScreenshotURL)
}

// A picture that fails is told and skipped; the others and the answer are not touched by it. That holds for every way to
// fail that there is.
func TestFailedPictures(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(ctx context.Context) error{
		"problem": func(context.Context) error {
			return &page.ShotError{Outcome: research.OutcomeNotFound, Message: "The page is gone."}
		},
		"hang":  func(ctx context.Context) error { <-ctx.Done(); return fmt.Errorf("shot: %w", ctx.Err()) },
		"panic": func(context.Context) error { panic("a defect") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Start(t)
			o := seeded(site, "/index.html")
			o.TimeBudget = 8 * time.Second
			c := &camera{before: func(ctx context.Context, n int, _ page.ShotRequest) error {
				if n == 0 {
					return fail(ctx)
				}
				return nil
			}}
			j := newWorld(t).submit("What is the default value of max_clients?", o)
			j.shoot = c.shoot
			_, err := j.run(t.Context())
			require.NoError(t, err)
			task := j.finished()
			require.Equal(t, research.Completed, task.Status)
			bad := c.taken()[0]
			for _, cite := range task.Citations {
				require.Equal(t, cite.URL == bad, cite.ScreenshotURL == "", "%s: %q", cite.URL, cite.ScreenshotURL)
			}
			failures := 0
			for _, e := range j.bodies(research.EventToolResult) {
				if e["tool"] == ToolScreenshot && e["success"] == false {
					failures++
					result, _ := e["result"].(map[string]any)
					require.NotEmpty(t, result["message"])
				}
			}
			require.Equal(t, 1, failures)
			require.Len(t, task.Screenshots, len(c.shots)-1)
		})
	}
}

// Pictures take no time that the task does not have, by its budget or by the hard limit of its run.
func TestNoTimeForPictures(t *testing.T) {
	t.Parallel()
	quote, err := research.EncodeJSON(cited{Evidence: 1, PageID: "p", URL: "https://example.org/", Start: 0, End: 5})
	require.NoError(t, err)
	soon, cancel := context.WithTimeout(t.Context(), endTime)
	defer cancel()
	for name, tt := range map[string]struct {
		ctx   context.Context
		since time.Duration
		shots int
	}{
		"time": {t.Context(), 0, 1}, "budget used up": {t.Context(), time.Minute, 0}, "limit near": {soon, 0, 0},
	} {
		c := &camera{}
		var told []research.Event
		b := newSession(Env{Task: research.Task{Options: research.Options{TimeBudget: time.Minute}}, Started: time.Now().Add(-tt.since), Shoot: c.shoot,
			Journal: []research.Step{{Turn: 1, CallNo: 1, Kind: research.ToolStep, Tool: ToolCite, Args: []byte(`{}`), Result: quote, Success: true}},
			Page:    func(context.Context, string) (research.Page, error) { return research.Page{Text: "Hello, world"}, nil },
			Emit:    func(_ context.Context, events ...research.Event) error { told = append(told, events...); return nil },
			Record:  func(context.Context, research.Step) ([]research.Evidence, error) { return nil, nil }})
		require.NoError(t, b.picture(tt.ctx, []int{1}), name)
		require.Len(t, c.shots, tt.shots, name)
		if tt.shots == 0 {
			require.Len(t, told, 1, name)
			require.Contains(t, string(told[0].Body), "No time is left")
		}
	}
}

// Pictures are taken a few at a time.
func TestPicturesAtOnce(t *testing.T) {
	t.Parallel()
	var started sync.WaitGroup
	started.Add(shotsAtOnce)
	c := &camera{before: func(ctx context.Context, n int, _ page.ShotRequest) error {
		if n < shotsAtOnce {
			started.Done()
			started.Wait() // all of the first ones are on their way
		}
		return nil
	}}
	var recorded []string
	b := newSession(Env{Shoot: c.shoot, Record: func(_ context.Context, s research.Step) ([]research.Evidence, error) {
		var p taken
		err := json.Unmarshal(s.Result, &p)
		recorded = append(recorded, p.URL)
		return nil, err
	}})
	var due []citedPage
	var want []string
	for i := range 9 {
		want = append(want, fmt.Sprintf("https://example.org/%d", i))
		due = append(due, citedPage{url: want[i], quotes: []string{"x"}, evidence: []int{i + 1}, args: []byte("{}")})
	}
	require.NoError(t, b.shootAll(t.Context(), time.Minute, 3, due))
	require.Equal(t, want, recorded, "recorded in the order of the answer")
	require.LessOrEqual(t, c.most, shotsAtOnce)
	require.Equal(t, shotsAtOnce, c.most)
}

// A run that was cut off in the middle of the pictures is resumed with those that are missing, and ends like one that was
// not.
func TestResumedPictures(t *testing.T) {
	t.Parallel()
	for crash := range 3 {
		t.Run(fmt.Sprint(crash), func(t *testing.T) {
			t.Parallel()
			site := testsite.Start(t)
			c := &camera{}
			j := newWorld(t).submit("What is the default value of max_clients, and how long is the water kept warm after boiling?", seeded(site, "/index.html"))
			j.shoot = c.shoot
			lost, made := errors.New("the worker was killed"), 0
			j.afterRecord = func(s research.Step) error {
				if s.Tool == ToolScreenshot {
					if made++; made == crash {
						return lost
					}
				}
				return nil
			}
			if crash == 0 { // announced, taken, and not recorded
				j.beforeRecord = func(s research.Step) error {
					if s.Tool == ToolScreenshot && made == 0 {
						made = 100
						return lost
					}
					return nil
				}
			}
			_, err := j.run(t.Context())
			if errors.Is(err, lost) {
				_, err = j.run(t.Context())
			}
			require.NoError(t, err)
			task := j.pictured()
			require.GreaterOrEqual(t, len(task.Screenshots), 2)
			steps, err := j.store.Worker().Journal(t.Context(), j.task.ID)
			require.NoError(t, err)
			n := map[string]int{}
			for _, s := range steps {
				if s.Tool == ToolScreenshot {
					n[string(s.Args)]++
				}
			}
			for args, times := range n {
				require.Equal(t, 1, times, args)
			}
			require.Len(t, n, len(task.Screenshots))
		})
	}
}

// The model may ask for pictures, in its ways, but not for ever.
func TestScreenshotTool(t *testing.T) {
	t.Parallel()
	c := &camera{}
	script, change := lazily(func(url func(string) string) []testsite.Turn {
		heating := url("/manual/settings-heating.html")
		turns := []testsite.Turn{
			turn(call("take_screenshot")), // of the page opened last: the seed
			turn(testsite.ToolCall{Name: "screenshot", Arguments: `{"page_url":"` + heating + `","full_page":"yes"}`}),
			turn(testsite.ToolCall{Name: "take_screenshot", Arguments: `{"url":"` + heating + `","fullPage":true}`}), // the same again
			turn(call("take_screenshot", "url", url("/manual/no-such-page.html"))),
			turn(call("cite", "url", heating, "quote", "boil_temperature")),
		}
		for _, p := range []string{"/manual/settings-network.html", "/manual/specifications.html", "/manual/errors.html", "/manual/descaling.html", "/manual/safety.html"} {
			turns = append(turns, turn(call("take_screenshot", "url", url(p)), call("take_screenshot", "url", url(p), "fullPage", "true")))
		}
		return append(turns, testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "It is 100 degrees Celsius [1]."})
	})
	a := newAsking(t, script, change)
	a.shoot = c.shoot
	a.answered(t)
	require.Contains(t, a.server.Requests()[0].Tools(), ToolScreenshot)
	require.Contains(t, a.lastMessage(1), "was kept for the user")
	require.Contains(t, a.lastMessage(3), "made this very call before")
	require.Contains(t, a.lastMessage(4), "could not be read")
	task := a.finished()
	byModel := 0
	for _, r := range c.shots {
		if len(r.Quotes) == 0 {
			byModel++
		}
	}
	require.Equal(t, c.shots[0], page.ShotRequest{URL: a.site.URL("/index.html")})
	require.Equal(t, c.shots[1], page.ShotRequest{URL: a.site.URL("/manual/settings-heating.html"), FullPage: true})
	require.LessOrEqual(t, byModel, maxShots)
	require.Len(t, task.Screenshots, len(c.shots))
	require.Equal(t, "boil_temperature", c.shots[len(c.shots)-1].Quotes[0], "the cited page, at the end")
	require.Contains(t, task.Citations[0].ScreenshotURL, c.names[len(c.names)-1])
}

// The bound on pictures holds across runs, and what was refused stays refused.
func TestScreenshotLimit(t *testing.T) {
	t.Parallel()
	c := &camera{}
	script, change := lazily(func(url func(string) string) []testsite.Turn {
		var turns []testsite.Turn
		for _, p := range []string{"/index.html", "/manual/settings-network.html", "/manual/specifications.html", "/manual/errors.html", "/manual/descaling.html", "/manual/settings-heating.html"} {
			turns = append(turns, turn(call("take_screenshot", "url", url(p)), call("take_screenshot", "url", url(p), "fullPage", "true")))
		}
		return append(turns, turn(call("cite", "url", url("/manual/settings-heating.html"), "quote", "boil_temperature")), testsite.Turn{Text: "DONE"}, testsite.Turn{Text: "100 degrees [1]."})
	})
	a := newAsking(t, script, change)
	a.shoot = c.shoot
	lost := errors.New("the worker was killed")
	a.afterRecord = func(s research.Step) error {
		if s.Tool == ToolCite {
			a.afterRecord = nil
			return lost
		}
		return nil
	}
	_, err := a.run(t.Context())
	require.ErrorIs(t, err, lost)
	require.Len(t, c.shots, maxShots)
	a.answered(t)
	require.Len(t, c.shots, maxShots+1, "the cited page's at the end")
	refused := 0
	for _, e := range a.bodies(research.EventToolResult) {
		if b, _ := json.Marshal(e); strings.Contains(string(b), "which is the limit. Go on without") {
			refused++
		}
	}
	require.Equal(t, 2, refused)
	for _, r := range a.server.Requests() {
		require.Contains(t, r.Tools(), ToolScreenshot)
		break
	}
}

// A model is told at once when there is no browser, and not offered what it cannot have.
func TestScreenshotWithoutBrowser(t *testing.T) {
	t.Parallel()
	script, change := lazily(func(url func(string) string) []testsite.Turn {
		return []testsite.Turn{
			turn(call("take_screenshot", "url", url("/index.html")), call("cite", "url", url("/index.html"), "quote", "the Aurora networked kettle")),
			{Text: "DONE"}, {Text: "It is a kettle [1]."},
		}
	})
	a := newAsking(t, script, change)
	a.answered(t)
	require.NotContains(t, a.server.Requests()[0].Tools(), ToolScreenshot)
	require.Contains(t, a.server.Requests()[1].Raw, "no browser")
	require.Empty(t, a.finished().Screenshots)
}

func TestTruth(t *testing.T) {
	t.Parallel()
	spec := toolNamed("screenshot")
	for raw, want := range map[string]any{`{"fullPage":true}`: true, `{"fullPage":"True"}`: true, `{"full_page":1}`: true, `{"FULLPAGE":"yes"}`: true, `{"fullPage":false}`: false,
		`{"fullPage":"no"}`: false, `{"fullPage":0}`: false, `{"fullPage":"maybe"}`: false, `{}`: nil, `{"fullPage":null}`: nil, `https://a.example`: nil} {
		args, err := spec.arguments(raw)
		if raw == "https://a.example" {
			continue // no JSON: the model is told
		}
		require.NoError(t, err, raw)
		require.Equal(t, want, args["fullPage"], raw)
	}
}
