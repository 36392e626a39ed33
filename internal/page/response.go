package page

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"legwork/internal/page/plaintext"
	"legwork/internal/page/reading"
	"legwork/internal/page/representation"
	"legwork/internal/research"
	"legwork/internal/weburl"
)

// maxErrorBody limits the bytes of an error page that are searched for a CAPTCHA.
const maxErrorBody = 256 << 10

// maxRefreshText is a length of text in bytes. A meta refresh is treated as a redirect only if the page's text is not longer.
const maxRefreshText = 500

// request makes one request and stores the result in the visit. If the answer is a redirect, it returns the next URL.
func (l *load) request(ctx context.Context, u *url.URL) (next string, err error) {
	began := l.now()
	defer func() { l.left -= l.now().Sub(began) }()
	timed, stop := context.WithTimeout(ctx, max(l.left, time.Millisecond))
	defer stop()
	req, err := http.NewRequestWithContext(timed, http.MethodGet, u.String(), nil)
	if err != nil {
		l.fail(research.OutcomeBadURL, "This is not a valid URL.")
		return "", nil
	}
	req.Header.Set("User-Agent", l.cfg.UserAgent)
	req.Header.Set("Accept", "text/html,application/xhtml+xml,text/markdown,text/plain;q=0.9,application/pdf;q=0.8,application/json;q=0.7,*/*;q=0.1")
	req.Header.Set("Accept-Language", "en,*;q=0.5")
	req.Header.Set("Accept-Encoding", "gzip") // set explicitly, so that the transport does not decompress, and the bytes can be counted here
	if cookies := l.cookies(u); cookies != "" {
		req.Header.Set("Cookie", cookies)
	}
	resp, err := l.client.RoundTrip(req)
	if err != nil {
		l.visit.Outcome, l.visit.Message = Classify(err, u)
		return "", nil
	}
	defer func() { _ = resp.Body.Close() }()
	l.visit.Status = resp.StatusCode
	l.jar.SetCookies(u, resp.Cookies())
	switch {
	case isRedirect(resp):
		next = l.redirect(u, resp)
	case resp.StatusCode < 200 || resp.StatusCode >= 300:
		l.refused(ctx, u, resp)
	default:
		next, err = l.read(ctx, u, resp)
	}
	if err != nil {
		return "", err
	}
	return next, l.answered(ctx, u, resp)
}

func isRedirect(resp *http.Response) bool {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return resp.Header.Get("Location") != ""
	}
	return false
}

// redirect returns the address that an answer redirects to, resolved as browsers do.
func (l *load) redirect(u *url.URL, resp *http.Response) string {
	target, err := weburl.Join(u, location(resp.Header.Get("Location")))
	if err != nil {
		l.fail(research.OutcomeBadURL, "%s redirects to an address that cannot be opened: %s.", u.Host, err)
		return ""
	}
	return target.String()
}

// location reads a header that contains an address. Servers send characters beyond ASCII as UTF-8 or as Latin-1.
func location(value string) string {
	if utf8.ValidString(value) {
		return value
	}
	runes := make([]rune, len(value))
	for i := range len(value) {
		runes[i] = rune(value[i])
	}
	return string(runes)
}

// refused stores the outcome and the message of an unsuccessful answer in the visit.
func (l *load) refused(ctx context.Context, u *url.URL, resp *http.Response) {
	l.visit.Outcome, l.visit.Message = classifyStatus(resp.StatusCode, u.Host)
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusForbidden:
		if resp.Header.Get("Cf-Mitigated") == "challenge" || l.hasCaptcha(ctx, u, resp) {
			l.fail(research.OutcomeBlocked, "%s shows a CAPTCHA instead of the page.", u.Host)
		}
	}
}

// hasCaptcha reports whether an error page contains a CAPTCHA.
func (l *load) hasCaptcha(ctx context.Context, u *url.URL, resp *http.Response) bool {
	packed, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return false
	}
	body, _, err := representation.Unpack(resp.Header.Values("Content-Encoding"), packed, l.cfg.MaxBytes)
	if err != nil || !isHTML(representation.KindOf(resp.Header.Get("Content-Type"), u, body)) {
		return false
	}
	r, err := l.parse(ctx, u, resp.Header, body)
	return (err == nil || errors.Is(err, ErrEmpty)) && r.Wall == "captcha"
}

// parse calls the Reader. If the Reader panics, parse returns ErrType.
func (l *load) parse(ctx context.Context, u *url.URL, header http.Header, body []byte) (r Reading, err error) {
	err = guarded(func() (err error) {
		r, err = l.cfg.Reader.Read(ctx, u, header, body)
		return err
	})
	return r, err
}

// read reads a successful answer. If the page consists only of an immediate refresh (by <meta> element or header), read returns the target
// of the refresh. The error is the error of ctx.
func (l *load) read(ctx context.Context, u *url.URL, resp *http.Response) (string, error) {
	body, whole, ok := l.body(u, resp)
	if !ok {
		return "", nil
	}
	if l.raw {
		l.visit.Outcome, l.file = research.OutcomeOK, body
		return "", nil
	}
	if representation.KindOf(resp.Header.Get("Content-Type"), u, body) == representation.Binary {
		l.notText(resp.Header.Get("Content-Type"))
		return "", nil
	}
	found, err := l.parse(ctx, u, resp.Header, body)
	if target := reading.RefreshTarget(weburl.NewBase(u), location(resp.Header.Get("Refresh"))); target != "" {
		found.Refresh = target
	}
	next, err := l.take(ctx, u, found, err)
	if next == "" {
		l.keep(u, resp.Header, body)
	}
	if !whole && l.visit.Outcome == research.OutcomeOK {
		l.visit.Note = strings.TrimSpace(l.visit.Note + " The document breaks off: the server did not send all of it.")
	}
	return next, err
}

// body reads and decompresses the body of an answer. It stops early if the first bytes are not text. ok is false if there is no body to
// read; then the visit says why. whole is false if the compressed stream was incomplete.
func (l *load) body(u *url.URL, resp *http.Response) (body []byte, whole, ok bool) {
	encodings := resp.Header.Values("Content-Encoding")
	if resp.ContentLength > l.cfg.MaxBytes {
		l.tooLarge()
		return nil, false, false
	}
	from := io.LimitReader(resp.Body, l.cfg.MaxBytes+1)
	packed, err := io.ReadAll(io.LimitReader(from, representation.HeadSize))
	if err == nil && !l.raw && len(packed) == representation.HeadSize {
		head, _, err := representation.Unpack(encodings, packed, l.cfg.MaxBytes)
		if err == nil && representation.KindOf(resp.Header.Get("Content-Type"), u, head) == representation.Binary {
			l.visit.Bytes += int64(len(packed))
			l.notText(resp.Header.Get("Content-Type"))
			return nil, false, false
		}
	}
	if err == nil {
		var rest []byte
		rest, err = io.ReadAll(from)
		packed = append(packed, rest...)
	}
	l.visit.Bytes += int64(len(packed))
	if err != nil {
		l.visit.Outcome, l.visit.Message = Classify(err, u)
		return nil, false, false
	}
	if int64(len(packed)) > l.cfg.MaxBytes {
		l.tooLarge()
		return nil, false, false
	}
	limit := l.cfg.MaxBytes
	if l.raw {
		limit = max(limit, MaxSiteMap)
	}
	body, whole, err = representation.Unpack(encodings, packed, limit)
	switch {
	case errors.Is(err, representation.ErrTooLarge):
		l.tooLarge()
	case err != nil:
		l.fail(research.OutcomeType, "The document is compressed in a way that cannot be read.")
	}
	return body, whole, err == nil
}

// notText sets the visit's outcome and message for a document of a type that is not read.
func (l *load) notText(declared string) {
	declared = plaintext.Cut(plaintext.Fold(declared), 100)
	switch {
	case declared == "":
		l.fail(research.OutcomeType, "The document is not text and cannot be read.")
	case strings.HasPrefix(declared, "text/") || strings.Contains(declared, "html") || strings.Contains(declared, "pdf"):
		l.fail(research.OutcomeType, "The document cannot be read: it is not of the type %s that the server names, or scripts and styles.", declared)
	default:
		l.fail(research.OutcomeType, "The document is of type %s, which cannot be read.", declared)
	}
}

// keep stores the document that the visit describes.
func (l *load) keep(u *url.URL, header http.Header, body []byte) {
	if l.visit.Outcome != research.OutcomeType {
		l.document = &Document{URL: u, Header: header.Clone(), Body: body, reader: l.cfg.Reader}
	}
}

// take stores a reading in the visit. If the page consists only of a refresh, take returns the target of the refresh. The error is the
// error of ctx.
func (l *load) take(ctx context.Context, u *url.URL, r Reading, err error) (next string, _ error) {
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case r.Wall == "captcha":
		l.fail(research.OutcomeBlocked, "%s shows a CAPTCHA instead of the page.", u.Host)
		return "", nil
	case r.Wall == "login":
		l.fail(research.OutcomeBlocked, "%s shows a login form instead of the page.", u.Host)
		return "", nil
	case r.Refresh != "" && len(r.Page.Text) < maxRefreshText && l.isNew(r.Refresh):
		return r.Refresh, nil
	}
	l.visit.Note, l.visit.Kept = r.Note, r.Kept
	l.finish(u, r.Page, r.Links, err)
	return "", nil
}

// isNew reports whether raw was not yet requested in this load. A page that refreshes to its own address is not treated as a redirect.
func (l *load) isNew(raw string) bool {
	u, err := ParseURL(raw)
	return err == nil && !l.seen[l.key(u)]
}

// finish stores the text of a document in the visit, or the reason why there is no text.
func (l *load) finish(u *url.URL, p research.Page, links []research.Link, err error) {
	switch {
	case errors.Is(err, ErrEmpty):
		l.visit.Links = links
		l.fail(research.OutcomeEmpty, "%s", strings.TrimSpace("The page holds no text. "+l.visit.Note))
		return
	case err != nil:
		l.visit.Outcome, l.visit.Message = Unreadable(err)
		return
	}
	if p.Title == "" {
		p.Title = u.Hostname()
	}
	l.visit.Outcome, l.visit.Title, l.visit.Page, l.visit.Links = research.OutcomeOK, p.Title, &p, links
}

// Unreadable returns the outcome and a sentence for an error of a Reader other than ErrEmpty.
func Unreadable(err error) (research.Outcome, string) {
	switch {
	case errors.Is(err, ErrPassword):
		return research.OutcomeType, "The document is protected by a password, so it cannot be read."
	case errors.Is(err, ErrLimit):
		return research.OutcomeTooLarge, sentence(err)
	}
	return research.OutcomeType, "The document is broken or of a type that cannot be read."
}

// sentence turns an error into a sentence.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func (l *load) tooLarge() {
	l.fail(research.OutcomeTooLarge, "The document is larger than %d MiB.", max(1, l.cfg.MaxBytes>>20))
}
