package page

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"legwork/internal/page/reading"
	"legwork/internal/research"
)

// ErrEmpty: the document holds no text.
var ErrEmpty = reading.ErrEmpty

// FromHTML reads an HTML document that was found at base: its main content as text, its title, its language, what it says of
// its address and its dates, and all its links. header gives charset and language where the document does not; it may be
// nil. The error is ErrEmpty when there is no text (the links are given all the same); broken HTML is no error.
func FromHTML(base *url.URL, header http.Header, body []byte) (research.Page, []research.Link, error) {
	d := parseHTML(base, header, body)
	p, err := d.Page()
	p.ModifiedAt = firstTime(p.ModifiedAt, lastModified(header))
	return p, d.Links, err
}

// parseHTML parses an HTML document and reads its links.
func parseHTML(base *url.URL, header http.Header, body []byte) *reading.Document {
	return reading.Parse(reading.Input{
		Text: decode(body, header.Get("Content-Type")), URL: base, Language: header.Get("Content-Language"),
		SameSite: func(a, b *url.URL) bool { return Domain(a.Host) == Domain(b.Host) },
	})
}

// canonicalHost is host in lower case and in ASCII (punycode), with its port unless it has none.
func canonicalHost(hostport string) string {
	u := url.URL{Host: hostport}
	host := strings.ToLower(u.Hostname())
	if a, err := netip.ParseAddr(host); err == nil {
		host = a.String()
		if a.Is6() {
			host = "[" + host + "]"
		}
	} else if ascii, err := idna.Lookup.ToASCII(host); err == nil {
		host = ascii
	}
	if p := u.Port(); p != "" {
		return host + ":" + p
	}
	return host
}

func firstTime(times ...*time.Time) *time.Time {
	for _, t := range times {
		if t != nil {
			return t
		}
	}
	return nil
}

func lastModified(header http.Header) *time.Time {
	if t, err := http.ParseTime(header.Get("Last-Modified")); err == nil {
		return reading.PlausibleTime(t)
	}
	return nil
}
