package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"legwork/internal/goroutine"
	"legwork/internal/page"
	"legwork/internal/research"
)

// Bounds of screenshots.
const (
	MaxScreenshots      = 10               // screenshots that the model may ask for in one task
	maxCitedShots       = 20               // screenshots for the citations of one answer
	shotsAtOnce         = 3                // how many screenshots for citations are taken at the same time
	citedShotTime       = 10 * time.Second // time limit for all screenshots for citations together
	LeastScreenshotTime = time.Second      // with less time left, no screenshot is started
	OneScreenshotTime   = 20 * time.Second
	endTime             = 2 * time.Second // time that must remain after the screenshots until the run's hard limit
	surroundings        = 100             // code points before and after a quote by which its place on the page is told from others with the same words
)

// Picture is a screenshot whose file was written.
type Picture struct {
	File          research.Artifact
	URL           string // address of the page after redirects
	Title         string
	Width, Height int    // pixels
	Shown         []bool // for each quote of the request, whether the picture shows it
}

// Screenshot is the journaled result of take_screenshot. It has an image, or a message that says why there is no image.
type Screenshot struct {
	URL         string           `json:"url"`
	Title       string           `json:"title,omitempty"`
	ImageURL    string           `json:"imageUrl,omitempty"`
	Width       int              `json:"width,omitempty"`
	Height      int              `json:"height,omitempty"`
	FullPage    bool             `json:"fullPage"`
	QuoteInView bool             `json:"quoteInView,omitempty"`
	Evidence    []int            `json:"evidence,omitempty"` // numbers of the evidence that needs no further screenshot, because this one shows it or no screenshot can
	Outcome     research.Outcome `json:"outcome,omitempty"`  // outcome of the page's load, if it failed
	Message     string           `json:"message,omitempty"`
}

// ScreenshotName returns the file name of a screenshot, without its extension. The name is made from the journal key of
// the call, so no two calls have the same name.
func ScreenshotName(turn, callNo int) string { return fmt.Sprintf("shot-%03d-%d", turn, callNo) }

// Shoot takes one screenshot within the time limit. evidence has the evidence numbers of the request's quotes. If the
// screenshot fails, the result says why. An error ends the run.
func (b *Session) Shoot(ctx context.Context, limit time.Duration, name string, r page.ShotRequest, evidence []int) (e Effect, err error) {
	bounded, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p, err := b.Env.Shoot(bounded, name, r)
	var problem *page.ShotError
	switch {
	case ctx.Err() != nil:
		return Effect{}, context.Cause(ctx)
	case errors.Is(err, research.ErrFenced):
		return Effect{}, err
	case err != nil && errors.Is(bounded.Err(), context.DeadlineExceeded):
		problem = &page.ShotError{Outcome: research.OutcomeTimeout, Message: "The time for a screenshot was used up."}
	case err != nil && !errors.As(err, &problem):
		return Effect{}, err
	}
	if problem != nil {
		return noPicture(r, problem, evidence), nil
	}
	image := research.ScreenshotURL(b.Env.Task.ID, p.File.Name)
	t := Screenshot{URL: p.URL, Title: p.Title, ImageURL: image, Width: p.Width, Height: p.Height, FullPage: r.FullPage}
	preview := map[string]any{"url": p.URL, "imageUrl": image, "width": p.Width, "height": p.Height}
	for i, n := range evidence {
		shown := i < len(p.Shown) && p.Shown[i]
		if i == 0 {
			t.QuoteInView, preview["quoteInView"] = shown, shown
		}
		if i == 0 || shown { // the screenshot was taken for the first quote; if it does not show this quote, another screenshot would not either
			t.Evidence = append(t.Evidence, n)
		}
	}
	return Effect{Result: t, Preview: preview, Success: true, file: &p.File, shows: t.Evidence,
		then: []research.Event{research.Screenshot(image, p.URL, r.FullPage)}}, nil
}

// noPicture returns the result of a screenshot that failed. No other screenshot is tried for its evidence.
func noPicture(r page.ShotRequest, problem *page.ShotError, evidence []int) Effect {
	t := Screenshot{URL: r.URL, FullPage: r.FullPage, Message: problem.Message, Evidence: evidence}
	if problem.Outcome != research.OutcomeOK {
		t.Outcome = problem.Outcome
	}
	return Effect{Result: t, Preview: map[string]any{"url": r.URL, "message": problem.Message}}
}

// citedPage is a page that the answer cites, with the quotes that still need a screenshot.
type citedPage struct {
	url      string
	quotes   []string    // in the order of the answer; the next screenshot is taken for the first of them
	around   [][2]string // for each quote, the text before and after it in the snapshot
	evidence []int       // evidence numbers of the quotes
	args     []byte      // journaled arguments of the call for the next screenshot
}

// PictureCited takes screenshots of the pages that the answer cites, at most maxCitedShots, so that each citation has a
// screenshot that shows its quote. Quotes that fit onto one screen share a screenshot. Each round takes one screenshot
// of each page that still has quotes without one. The screenshots stay within the time budget, and a failed screenshot
// does not delay the answer. Screenshots that are in the journal are not taken again.
func (b *Session) PictureCited(ctx context.Context, cited []int) error {
	if b.Env.Shoot == nil {
		return nil
	}
	for tried := 0; tried < maxCitedShots; {
		due, err := b.unpictured(ctx, cited)
		if err != nil || len(due) == 0 {
			return err
		}
		due = due[:min(len(due), maxCitedShots-tried)]
		tried += len(due)
		limit := b.pictureTime(ctx)
		if limit < LeastScreenshotTime {
			return b.Env.Emit(ctx, research.Thinking("No time is left for screenshots of the cited pages.", nil))
		}
		if err := b.pictureRound(ctx, limit, due); err != nil {
			return err
		}
	}
	return nil
}

// pictureRound announces and takes one screenshot of each page.
func (b *Session) pictureRound(ctx context.Context, limit time.Duration, due []citedPage) error {
	b.ReplyTurn = 0
	turn, _ := b.NextKey()
	noun := "pages"
	if len(due) == 1 {
		noun = "page"
	}
	events := []research.Event{research.Thinking(fmt.Sprintf("Taking screenshots of the %d %s cited.", len(due), noun), nil)}
	for i, p := range due {
		events = append(events, research.ToolCall(ToolScreenshot, p.shown(), map[string]any{"turn": turn, "callNo": i + 1}))
	}
	if err := b.Env.Emit(ctx, events...); err != nil {
		return err
	}
	return b.shootAll(ctx, limit, turn, due)
}

func (p citedPage) shown() map[string]any { return map[string]any{"url": p.url, "quote": p.quotes[0]} }

// pictureTime returns the time that citedShotTime, the time budget and the run's hard limit leave for screenshots.
func (b *Session) pictureTime(ctx context.Context) time.Duration {
	e := &b.Env
	if b.picturesFrom.IsZero() {
		b.picturesFrom = time.Now()
	}
	limit := min(citedShotTime-time.Since(b.picturesFrom), e.Task.Options.TimeBudget-e.Spent-time.Since(e.Started))
	if deadline, ok := ctx.Deadline(); ok {
		limit = min(limit, time.Until(deadline)-endTime)
	}
	return limit
}

// shot is the result of one screenshot.
type shot struct {
	effect Effect
	err    error
	took   time.Duration
}

// shootAll takes up to shotsAtOnce screenshots at the same time, and records them one after the other in the order of
// the answer.
func (b *Session) shootAll(ctx context.Context, limit time.Duration, turn int, due []citedPage) error {
	shooting, stop := context.WithCancel(ctx)
	done := make([]chan shot, len(due))
	for i := range due {
		done[i] = make(chan shot, 1)
	}
	deadline := time.Now().Add(limit)
	var group goroutine.ErrGroup
	group.SetLimit(shotsAtOnce + 1) // one more, because one goroutine of the group starts the others
	group.Go(ctx, func() error {
		for i, p := range due {
			group.Go(ctx, func() error {
				began := time.Now()
				e, err := b.guardedShot(shooting, time.Until(deadline), ScreenshotName(turn, i+1), p)
				done[i] <- shot{e, err, time.Since(began)}
				return nil
			})
		}
		return nil
	})
	defer func() { stop(); _ = group.Wait() }()
	for i, p := range due {
		s := <-done[i]
		if s.err != nil {
			return s.err
		}
		if err := b.keepShot(ctx, turn, i+1, p, s); err != nil {
			return err
		}
	}
	return nil
}

// guardedShot calls Shoot and recovers from a panic. After a panic the screenshot counts as failed, and the run
// continues.
func (b *Session) guardedShot(ctx context.Context, limit time.Duration, name string, p citedPage) (e Effect, err error) {
	panicked, err := b.contained(ctx, func(ctx context.Context) (err error) {
		e, err = b.Shoot(ctx, limit, name, page.ShotRequest{URL: p.url, Quotes: p.quotes, Around: p.around}, p.evidence)
		return err
	})
	if panicked {
		return noPicture(page.ShotRequest{URL: p.url}, &page.ShotError{Message: defect}, p.evidence), nil
	}
	return e, err
}

// keepShot records the result of a screenshot in the journal, together with the event of the tool's result.
// pictureRound has already emitted the event of the tool call.
func (b *Session) keepShot(ctx context.Context, turn, callNo int, p citedPage, s shot) error {
	result, err := research.EncodeJSON(s.effect.Result)
	if err != nil {
		return fmt.Errorf("result of %s: %w", ToolScreenshot, err)
	}
	event := research.ToolResult(ToolScreenshot, s.effect.Preview, s.effect.Success, map[string]any{"turn": turn, "callNo": callNo})
	_, err = b.Env.Record(ctx, research.Step{
		Turn: turn, CallNo: callNo, Try: b.Env.Try, Kind: research.ToolStep, Tool: ToolScreenshot, Args: p.args, Result: result,
		Success: s.effect.Success, Duration: s.took, Artifact: s.effect.file, Shows: s.effect.shows,
		Events: append([]research.Event{event}, s.effect.then...),
	})
	if err != nil {
		return err
	}
	b.UseKey(turn, callNo)
	b.notePictured(result)
	return nil
}

// notePictured reads the evidence numbers in the journaled result of a screenshot and remembers them, so that no other
// screenshot is taken for this evidence.
func (b *Session) notePictured(result []byte) {
	if b.pictured == nil {
		b.pictured = map[int]bool{}
	}
	var t Screenshot
	if json.Unmarshal(result, &t) == nil {
		for _, n := range t.Evidence {
			b.pictured[n] = true
		}
	}
}

// unpictured lists the pages of the evidence, in the order of the answer, with the quotes for which no screenshot was
// taken or tried yet.
func (b *Session) unpictured(ctx context.Context, evidence []int) ([]citedPage, error) {
	quotes := map[int]Cited{}
	for _, s := range b.journal {
		if s.Tool == ToolScreenshot {
			b.notePictured(s.Result)
		}
		var c Cited
		if s.Tool == ToolCite && json.Unmarshal(s.Result, &c) == nil && c.Evidence > 0 {
			quotes[c.Evidence] = c
		}
	}
	var due []citedPage
	for _, n := range evidence {
		c, ok := quotes[n]
		if !ok || b.pictured[n] || strings.HasSuffix(HostDomain(c.URL), ".invalid") { // addresses under .invalid are not on the web: an operator imported these pages
			continue
		}
		snapshot, err := b.Env.Page(ctx, c.PageID)
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: %w", c.PageID, err)
		}
		i := slices.IndexFunc(due, func(p citedPage) bool { return p.url == c.URL })
		if i < 0 {
			i, due = len(due), append(due, citedPage{url: c.URL})
		}
		text := []rune(snapshot.Text)
		due[i].quotes = append(due[i].quotes, string(text[c.Start:c.End]))
		due[i].around = append(due[i].around, [2]string{
			string(text[max(0, c.Start-surroundings):c.Start]), string(text[c.End:min(len(text), c.End+surroundings)])})
		due[i].evidence = append(due[i].evidence, n)
	}
	for i := range due {
		var err error
		if due[i].args, err = research.EncodeJSON(due[i].shown()); err != nil {
			return nil, err
		}
	}
	// The journal may have screenshots from an old version that did not record which evidence they show.
	return slices.DeleteFunc(due, func(p citedPage) bool { return b.Recorded(ToolScreenshot, p.shown()) }), nil
}
