package reading

import (
	"testing"

	"legwork/internal/weburl"
)

func TestRefreshTarget(t *testing.T) {
	t.Parallel()
	base := weburl.NewBase(pageURL)
	const there = "https://docs.example.com/manual/there.html"
	for value, want := range map[string]string{
		"0;url=there.html":                    there,
		"0; URL=there.html":                   there,
		"0;url='there.html'":                  there,
		`0;url="there.html"; x`:               there,
		"0 ; url = there.html":                there,
		"0, url=there.html":                   there,
		"0,there.html":                        there,
		"0 there.html":                        there,
		"0.5; url=there.html":                 there,
		".5; url=there.html":                  there,
		"5.9.1; url=there.html":               there,
		"00;url=there.html":                   there,
		"007;url=there.html":                  there,
		"0;there.html":                        there,
		"0;'there.html'":                      there,
		"0; URL=\n there.html":                there,
		"0\turl=there.html":                   there,
		"\n0;\furl\t=\tthere.html ":           there,
		"0;url=./x/..\\there.html":            there,
		"9;url=//Example.org/a b":             "https://example.org/a%20b",
		"0;url=http:there.html":               "http://there.html/",
		"0;urls.html":                         "https://docs.example.com/manual/urls.html",
		"0;url there.html":                    "https://docs.example.com/manual/url%20there.html",
		"0;url='there.html":                   there,
		"0;url=?page=2":                       "https://docs.example.com/manual/page.html?page=2",
		"":                                    "",
		"0":                                   "",
		"0;":                                  "",
		"0;url=":                              "",
		"0;url=''":                            "",
		"10;url=there.html":                   "",
		"600;url=there.html":                  "",
		"99999999999999999999;url=there.html": "",
		"x;url=there.html":                    "",
		"-1;url=there.html":                   "",
		"0x;url=there.html":                   "",
		"url=there.html":                      "",
		"0;url=javascript:alert(1)":           "",
		"0;url=mailto:a@example.com":          "",
		"0;url=http://u:p@example.com/":       "",
		"0;url=http://[":                      "",
	} {
		if got := RefreshTarget(base, value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
