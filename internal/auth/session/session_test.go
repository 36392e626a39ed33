package session

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"legwork/internal/auth/token"
)

// FuzzCredentials reads cookies and tickets from requests with any Cookie header and any address. It checks the bounds of what is read,
// that cookies with another name do not count, and that tickets count for streams only.
func FuzzCredentials(f *testing.F) {
	text := token.New().Text()
	f.Add(CookieName+"="+text, "/api/tasks/x/stream?ticket=a", false)
	f.Add("__Host-"+CookieName+"="+text+"; "+CookieName+"=y", "/api/tasks/x/events?ticket=a&ticket=b", true)
	f.Add(strings.Repeat(CookieName+"=z; ", 9), "/api/tasks?ticket=a", false)
	f.Add(CookieName+`="a b";;=; `+CookieName, "/api/tasks/%2e%2e/stream?%74icket=a", false)
	f.Fuzz(func(t *testing.T, header, address string, secure bool) {
		r := &http.Request{Header: http.Header{"Cookie": {header}}, URL: &url.URL{Path: "/"}}
		if u, err := url.ParseRequestURI(address); err == nil {
			r.URL = u
		}
		cookies := Cookies{Secure: func(*http.Request) bool { return secure }}
		values := cookies.Read(r, CookieName)
		if len(values) > maxCookies {
			t.Fatalf("%d cookies", len(values))
		}
		for _, v := range values {
			if v == "" || !strings.Contains(header, v) {
				t.Fatalf("%q was not sent", v)
			}
			if read, err := token.Parse(v); err == nil && read.Text() != v {
				t.Fatalf("%q is read as %q", v, read.Text())
			}
		}
		if len(values) > 0 && secure && !strings.Contains(header, "__Host-"+CookieName) {
			t.Fatalf("over TLS, %q has no cookie that is bound to this host", header)
		}
		first, found := Browser{Cookies: cookies}.Credential(r)
		if found != (len(values) > 0) || found && first != values[0] {
			t.Fatalf("the credential is %q of %q", first, values)
		}
		ticket, found := Ticket{}.Credential(r)
		if found && (ticket == "" || !strings.HasSuffix(r.URL.Path, "/stream") && !strings.HasSuffix(r.URL.Path, "/events")) {
			t.Fatalf("the ticket %q counts for %q", ticket, r.URL.Path)
		}
	})
}
