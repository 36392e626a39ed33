package page

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/idna"

	"legwork/internal/page/reading"
)

// ErrEmpty means that the document has no text.
var ErrEmpty = reading.ErrEmpty

// parseHTML parses an HTML document and reads its links. text is either the text of d, or HTML that was converted from a document of
// another kind. Converted HTML is content as a whole, and its links are not affected by the charset of the original.
func parseHTML(d source, text string, whole bool) *reading.Document {
	in := reading.Input{
		Text: text, URL: d.base, Language: d.language, Charset: d.charset, Whole: whole,
		SameSite: func(a, b *url.URL) bool { return Domain(a.Host) == Domain(b.Host) },
	}
	if whole {
		in.Charset = "utf-8"
	}
	return reading.Parse(in)
}

// canonicalHost returns host in lower case and in ASCII (punycode), with its port if it has one.
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
