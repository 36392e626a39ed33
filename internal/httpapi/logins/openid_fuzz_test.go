package logins

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzLocalPath checks that a path to which a browser is redirected after a login never leads to another host.
func FuzzLocalPath(f *testing.F) {
	for _, path := range []string{"/tasks?a=b#c", "//evil.example", `/\evil.example`, "/\t/evil.example", "/%2f/evil.example", "/.//evil.example", "/;@evil.example", "/a:b@evil"} {
		f.Add(path)
	}
	base := &url.URL{Scheme: "https", Host: "research.example.org", Path: "/api/auth/openid/callback"}
	f.Fuzz(func(t *testing.T, path string) {
		if !localPath(path) {
			return
		}
		// Browsers remove tabs and line breaks from addresses, and treat \ as /.
		seen := strings.ReplaceAll(strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(path), `\`, "/")
		to, err := base.Parse(seen)
		if err != nil {
			return // a browser shows an error
		}
		if to.Host != base.Host || to.Scheme != base.Scheme || to.User != nil {
			t.Fatalf("%q leads to %s", path, to)
		}
	})
}
