package browser

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"

	"legwork/internal/page"
	"legwork/internal/page/plaintext"
	"legwork/internal/research"
)

// Limits for a screenshot.
const (
	maxPictureHeight = 5000
	maxPictureBytes  = 3 << 20
)

// pictureTime limits the time to draw and compress a screenshot, after the page was shown.
const pictureTime = 20 * time.Second

// enough is the share of a quote's letters that must be found in the page so that the quote counts as shown.
const enough = 0.6

//go:embed scripts/seek.js
var seekScript string

//go:embed scripts/quote.js
var quoteScript string

// Shoot implements page.Session. A page that the session has loaded is not requested again. If a page now redirects to another site, the
// redirect is not followed, since the picture would show another page.
func (s *session) Shoot(ctx context.Context, r page.ShotRequest) (page.Shot, error) {
	v, doc := s.loaded(r.URL)
	if doc == nil {
		var err error
		if v, doc, err = s.browser.cfg.Fetcher.LoadDocument(ctx, r.URL, s.scope.Again(r.URL)); err != nil {
			return page.Shot{}, err
		}
		if doc == nil {
			return page.Shot{}, &page.ShotError{Outcome: v.Outcome, Message: v.Message}
		}
		s.keep(v, doc, r.URL)
	}
	if doc.ContentType() == "" {
		return page.Shot{}, &page.ShotError{Outcome: research.OutcomeOK, Message: "This document is no page that a browser shows, so there is no picture of it."}
	}
	shown := s.readable(ctx, v, doc)
	if len(shown.Body) > s.browser.cfg.MaxDocument {
		return page.Shot{}, &page.ShotError{Outcome: research.OutcomeOK, Message: "The page is too large for the browser, so there is no picture of it."}
	}
	fresh := *shown
	fresh.Left = s.browser.cfg.RenderTime // the time left of its load no longer applies
	var shot page.Shot
	err := s.show(ctx, &fresh, fragment(r.URL), true, func(ctx context.Context, t *tab) (err error) {
		shot, err = t.shoot(ctx, r)
		return err
	})
	switch {
	case ctx.Err() != nil:
		return page.Shot{}, fmt.Errorf("screenshot of %s: %w", r.URL, ctx.Err())
	case errors.Is(err, errUnavailable):
		return page.Shot{}, fmt.Errorf("%w: %w", page.ErrNoBrowser, err)
	case errors.Is(err, errNotSettled):
		return page.Shot{}, &page.ShotError{Outcome: research.OutcomeOK, Message: "The page was still busy in the browser when its time was over, so no screenshot could be taken."}
	case err != nil:
		s.browser.log.WarnContext(ctx, "no screenshot", "url", r.URL, "error", err)
		return page.Shot{}, &page.ShotError{Outcome: research.OutcomeOK, Message: "The browser could not take a screenshot of this page."}
	}
	shot.URL = v.FinalURL
	if shot.Title = firstOf(shot.Title, v.Title); shown != doc {
		shot.Title = v.Title
	}
	return shot, nil
}

// readable returns the document that is shown for the picture of doc. Usually this is doc itself. But a browser would show some documents
// as source (feeds, tables, JSON), in which markup stands between the words of a passage. For these, readable returns a page with the text
// of the visit.
func (s *session) readable(ctx context.Context, v research.Visit, doc *page.Document) *page.Document {
	if s.browser.cfg.Readable == nil || v.Page == nil || !doc.Converted() {
		return doc
	}
	body, err := s.browser.cfg.Readable(v)
	if err != nil {
		s.browser.log.WarnContext(ctx, "the picture shows the source of the document", "url", v.FinalURL, "error", err)
		return doc
	}
	return &page.Document{URL: doc.URL, Body: body, Header: http.Header{
		"Content-Type": {"text/html; charset=utf-8"}, "Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'"}}}
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" {
			return v
		}
	}
	return ""
}

// stage is the state of a page that was prepared for a screenshot.
type stage struct {
	Title  string    `json:"title"`
	Height float64   `json:"height"` // height of the whole page
	Found  []float64 `json:"found"`  // for each quote: the share of its letters that were found
}

// shoot takes the picture.
func (t *tab) shoot(ctx context.Context, r page.ShotRequest) (page.Shot, error) {
	// Empty slices make JSON write [] and not null.
	quotes, err := json.Marshal(append([]string{}, r.Quotes...))
	if err != nil {
		return page.Shot{}, fmt.Errorf("quotes: %w", err)
	}
	around, err := json.Marshal(append([][2]string{}, r.Around...))
	if err != nil {
		return page.Shot{}, fmt.Errorf("surroundings of quotes: %w", err)
	}
	// The functions stay defined in our isolated world, because they are needed again for the check whether the quotes are shown.
	set, err := evaluate[stage](ctx, t, consentScript+"\n"+seekScript+"\n"+quoteScript+fmt.Sprintf(`
		hideConsent();
		seekAll(%s, %s, %g).then(found => ({title: document.title, found, height: Math.max(document.documentElement.scrollHeight, innerHeight)}));`,
		quotes, around, enough))
	if err != nil {
		return page.Shot{}, err
	}
	height := 0
	if r.FullPage {
		height = min(int(set.Height), maxPictureHeight)
	}
	shot := page.Shot{Title: plaintext.Clean(set.Title)}
	if len(r.Quotes) > 0 && !r.FullPage { // check before the picture is taken, since the check removes elements that cover the quotes
		if shot.Shown, err = evaluate[[]bool](ctx, t, "shown(0)"); err != nil {
			return page.Shot{}, err
		}
	}
	if r.FullPage { // scroll back to the top: seekAll has scrolled to the quote, and elements fixed to the screen would be drawn there
		if _, err = evaluate[bool](ctx, t, "scrollTo({top: 0, left: 0, behavior: 'instant'}); true"); err != nil {
			return page.Shot{}, err
		}
	}
	if shot.PNG, height, err = t.capture(ctx, height); err != nil {
		return page.Shot{}, err
	}
	size, err := png.DecodeConfig(bytes.NewReader(shot.PNG))
	if err != nil {
		return page.Shot{}, fmt.Errorf("the browser's picture: %w", err)
	}
	shot.Width, shot.Height = size.Width, size.Height
	if len(r.Quotes) > 0 && r.FullPage {
		if shot.Shown, err = evaluate[[]bool](ctx, t, fmt.Sprintf("shown(%d)", height)); err != nil {
			return page.Shot{}, err
		}
	}
	for i := range shot.Shown {
		shot.Shown[i] = shot.Shown[i] && i < len(set.Found) && set.Found[i] >= enough
	}
	return shot, nil
}

// capture takes a picture of the page from its top to height, or of the screen if height is 0. If the picture has too many bytes, capture
// takes another one: with less height if it is higher than the screen, else at half the scale. It returns the picture and its height.
func (t *tab) capture(ctx context.Context, height int) ([]byte, int, error) {
	for scale := 1.0; ; {
		p := cdppage.CaptureScreenshotParams{Format: cdppage.CaptureScreenshotFormatPng}
		switch {
		case height > 0:
			p.CaptureBeyondViewport = new(true)
			p.Clip = &cdppage.Viewport{Width: screenWidth, Height: float64(height), Scale: scale}
		case scale < 1:
			at, err := evaluate[[2]float64](ctx, t, "[scrollX, scrollY]")
			if err != nil {
				return nil, 0, err
			}
			p.Clip = &cdppage.Viewport{X: at[0], Y: at[1], Width: screenWidth, Height: screenHeight, Scale: scale}
		}
		r, err := cdp.Call(ctx, t.target, cdppage.CaptureScreenshot, p)
		if err != nil {
			return nil, 0, fmt.Errorf("take the picture: %w", err)
		}
		switch {
		case len(r.Data) <= maxPictureBytes || scale < 0.2:
			return r.Data, height, nil
		case height > screenHeight: // reduce the height in proportion to the excess, and a little more
			height = max(height*maxPictureBytes/len(r.Data)*9/10, screenHeight)
		default:
			scale /= 2
		}
	}
}
