package browser

import (
	"context"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"

	"legwork/internal/goroutine"
)

// maxRequests limits the requests of one page. Further requests are refused. After twice this number, requests are left without an answer.
const maxRequests = 500

// event receives all events of the tab. It must not block, so it handles them in other goroutines.
func (t *tab) event(e any) {
	l := t.load.Load()                               // loaded here and not in the goroutine, because the tab may have another load by then
	goroutine.Call(l.ctx, func() { t.handle(l, e) }) // event runs in a goroutine of chromedp, which must not be blocked
}

// handle handles an event of load l.
func (t *tab) handle(l *load, e any) {
	switch e := e.(type) {
	case *fetch.EventRequestPaused:
		if l.counted() {
			goroutine.Go(l.ctx, func() { t.decide(l, e) })
		}
	case *fetch.EventAuthRequired:
		goroutine.Go(l.ctx, func() { t.authenticate(e) })
	case *network.EventRequestWillBeSent:
		if !lasting(e.Type) {
			l.progress(func() { l.pending[e.RequestID] = true })
		}
	case *network.EventLoadingFinished:
		l.progress(func() { delete(l.pending, e.RequestID) })
	case *network.EventLoadingFailed:
		l.progress(func() { delete(l.pending, e.RequestID) })
	case *cdppage.EventLoadEventFired:
		l.progress(func() {})
	case *inspector.EventTargetCrashed:
		t.lose()
	}
}

// lasting reports whether a request of this type stays open as long as the page does.
func lasting(r network.ResourceType) bool {
	return r == network.ResourceTypeEventSource || r == network.ResourceTypeWebSocket || r == network.ResourceTypePing || r == network.ResourceTypeMedia
}

func (l *load) progress(change func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = time.Now()
	change()
}

// counted adds one to the number of requests, and reports whether this request is to be answered.
func (l *load) counted() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests++
	return l.requests <= 2*maxRequests
}

func (t *tab) brief() (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.ctx, 5*time.Second)
}

// decide answers a request of the page. The document is sent from memory. Navigation, and requests that the text does not need, are
// refused. All others go to the proxy.
func (t *tab) decide(l *load, e *fetch.EventRequestPaused) {
	ctx, cancel := t.brief()
	defer cancel()
	top := e.ResourceType == network.ResourceTypeDocument && e.FrameID == cdp.FrameID(t.target.TargetID)
	switch {
	case top && l.first():
		_, _ = cdp.Call(ctx, t.target, fetch.FulfillRequest, fetch.FulfillRequestParams{
			RequestID: e.RequestID, ResponseCode: 200, ResponseHeaders: l.headers(), Body: l.doc.Body,
		})
	case top:
		l.leads(e.Request)
		t.refuse(ctx, e, network.ErrorReasonAborted)
	case l.refused(e, t.session):
		t.refuse(ctx, e, network.ErrorReasonBlockedByClient)
	default:
		_, _ = cdp.Call(ctx, t.target, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: e.RequestID})
	}
}

func (t *tab) refuse(ctx context.Context, e *fetch.EventRequestPaused, why network.ErrorReason) {
	_, _ = cdp.Call(ctx, t.target, fetch.FailRequest, fetch.FailRequestParams{RequestID: e.RequestID, ErrorReason: why})
}

// first returns true at its first call, which means that the document was not sent to the tab yet.
func (l *load) first() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := !l.served
	l.served = true
	return first
}

// leads stores the address to which a script tried to navigate the tab.
func (l *load) leads(r *network.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	here, _, _ := strings.Cut(l.url, "#")
	if r.Method == "GET" && r.URL != here && l.next == "" {
		l.next = r.URL + r.URLFragment
	}
}

// refused reports whether a request of the page is refused. The reasons are: the page has made too many requests; the request is not needed
// for the text; the request is for a frame that the policy forbids.
func (l *load) refused(e *fetch.EventRequestPaused, s *session) bool {
	l.mu.Lock()
	over := l.requests > maxRequests
	l.mu.Unlock()
	if over {
		return true
	}
	switch e.ResourceType {
	case network.ResourceTypeMedia, network.ResourceTypePing, network.ResourceTypeCSPViolationReport, network.ResourceTypePrefetch,
		network.ResourceTypeTextTrack, network.ResourceTypeManifest, network.ResourceTypeSignedExchange:
		return true
	case network.ResourceTypeImage, network.ResourceTypeFont:
		return !l.pictures
	case network.ResourceTypeDocument:
		return s.refusesFrame(e.Request.URL)
	}
	return false
}

// authenticate sends the proxy its credentials. Other servers that ask for credentials get none.
func (t *tab) authenticate(e *fetch.EventAuthRequired) {
	ctx, cancel := t.brief()
	defer cancel()
	answer := &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseCancelAuth}
	user, password := t.session.browser.cfg.Proxy.Credentials()
	if e.AuthChallenge.Source == fetch.AuthChallengeSourceProxy && user != "" {
		answer = &fetch.AuthChallengeResponse{
			Response: fetch.AuthChallengeResponseResponseProvideCredentials, Username: user, Password: password,
		}
	}
	_, _ = cdp.Call(ctx, t.target, fetch.ContinueWithAuth, fetch.ContinueWithAuthParams{RequestID: e.RequestID, AuthChallengeResponse: answer})
}

// passed are the headers of the document that are given to the tab, because they affect how the document is shown. Other headers concern
// the transport, or would make the browser do something other than show the page.
var passed = []string{"Content-Language", "Content-Security-Policy", "Cross-Origin-Embedder-Policy", "Cross-Origin-Opener-Policy",
	"Feature-Policy", "Last-Modified", "Permissions-Policy", "Referrer-Policy", "Set-Cookie"}

// sandbox restricts the page and its frames (HTML § 7.1.5): they cannot open windows, save files, show dialogs or start other programs.
// A frame can navigate only itself.
const sandbox = "sandbox allow-scripts allow-same-origin allow-forms"

func (l *load) headers() []*fetch.HeaderEntry {
	out := []*fetch.HeaderEntry{
		{Name: "Content-Type", Value: l.doc.ContentType()}, {Name: "X-Content-Type-Options", Value: "nosniff"},
		{Name: "Cache-Control", Value: "no-store"}, {Name: "Content-Security-Policy", Value: sandbox},
	}
	for _, name := range passed {
		for _, v := range l.doc.Header.Values(name) {
			out = append(out, &fetch.HeaderEntry{Name: name, Value: v})
		}
	}
	return out
}
