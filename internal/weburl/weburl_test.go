package weburl_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"legwork/internal/weburl"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"http://example.com":                        "http://example.com/",
		"HTTP://Example.COM:80/A":                   "http://example.com/A",
		"https://example.com:443/":                  "https://example.com/",
		"https://example.com:80/":                   "https://example.com:80/",
		"http://example.com:/x":                     "http://example.com/x",
		"http://example.com:0080/x":                 "http://example.com/x",
		"http://example.com:0/":                     "http://example.com:0/",
		" \t http://example.com/a b \n":             "http://example.com/a%20b",
		"http://exa\nmple.com/a\tb\r\nc":            "http://example.com/abc",
		"http://example.com/100%":                   "http://example.com/100%25",
		"http://example.com/100%25":                 "http://example.com/100%25",
		"http://example.com/100%zz/%41%2f":          "http://example.com/100%25zz/%41%2f",
		"http://example.com/a|b^c%2Fd":              "http://example.com/a%7Cb%5Ec%2Fd",
		"http://example.com/[a]{b}":                 "http://example.com/[a]%7Bb%7D",
		"http://example.com/?q=50%off|{x}":          "http://example.com/?q=50%off|{x}",
		`http:\\example.com\a\..\b`:                 "http://example.com/b",
		"http:example.com":                          "http://example.com/",
		"http:/example.com/x":                       "http://example.com/x",
		"http:////example.com/x":                    "http://example.com/x",
		"http://example.com/a/./b/../c/%2e%2E/d":    "http://example.com/a/d",
		"http://example.com/größe?ö=ü#ä":            "http://example.com/gr%C3%B6%C3%9Fe?%C3%B6=%C3%BC#%C3%A4",
		"http://bücher.example/":                    "http://xn--bcher-kva.example/",
		"http://EXAMPLE。com/":                       "http://example.com/",
		"http://ex%61mple.com/":                     "http://example.com/",
		"http://2130706433/":                        "http://127.0.0.1/",
		"http://0x7f.1/":                            "http://127.0.0.1/",
		"http://127.0.0.1./":                        "http://127.0.0.1/",
		"http://[0:0::1]:81/":                       "http://[::1]:81/",
		"http://a_b.example/":                       "http://a_b.example/",
		"http://example.com/a//b":                   "http://example.com/a//b",
		"http://example.com/?":                      "http://example.com/",
		"http://example.com/#":                      "http://example.com/",
		"http://example.com?a=b":                    "http://example.com/?a=b",
		"http://example.com/;a=1,2/~joe/!x(y)*":     "http://example.com/;a=1,2/~joe/!x(y)*",
		"http://@example.com/":                      "http://example.com/",
		"http://example.com/\x00\x01x\x00":          "http://example.com/%00%01x", // control characters at the start and the end are trimmed
		"http://example.com/x#100%":                 "http://example.com/x#100%25",
		"http://example.com/\xff":                   "http://example.com/%EF%BF%BD",
		"http://1.2.3.example/":                     "http://1.2.3.example/",
		"http://xn--bcher-kva.example/?a='b'":       "http://xn--bcher-kva.example/?a=%27b%27",
		"https://example.com/a%20b?c=%zz&d=\"e\"<>": "https://example.com/a%20b?c=%zz&d=%22e%22%3C%3E",
	} {
		u, err := weburl.Parse(raw)
		if err != nil {
			t.Errorf("%q: %v", raw, err)
			continue
		}
		if u.String() != want {
			t.Errorf("%q: %s, want %s", raw, u, want)
		}
		again, err := weburl.Parse(u.String())
		if err != nil || again.String() != want {
			t.Errorf("%q again: %v, %v", raw, again, err)
		}
		if parsed, err := url.Parse(u.String()); err != nil || *parsed != *u {
			t.Errorf("%q: net/url reads %#v, %v; this is %#v", raw, parsed, err, u)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]error{
		"":                               weburl.ErrRelative,
		"example.com":                    weburl.ErrRelative,
		"/docs":                          weburl.ErrRelative,
		"//example.com/":                 weburl.ErrRelative,
		"http://":                        weburl.ErrInvalid,
		"http:":                          weburl.ErrInvalid,
		"http://?":                       weburl.ErrInvalid,
		"http://:80/":                    weburl.ErrInvalid,
		"http://a:65536/":                weburl.ErrInvalid,
		"http://a:b/":                    weburl.ErrInvalid,
		"http://a b/":                    weburl.ErrInvalid,
		"http://a<b/":                    weburl.ErrInvalid,
		"http://a%00/":                   weburl.ErrInvalid,
		"http://256.256.256.256/":        weburl.ErrInvalid,
		"http://1.2.3.4.5/":              weburl.ErrInvalid,
		"http://1.2.3.08/":               weburl.ErrInvalid,
		"http://0x100000000/":            weburl.ErrInvalid,
		"http://[::1/":                   weburl.ErrInvalid,
		"http://[1::2::3]/":              weburl.ErrInvalid,
		"http://[fe80::1%25eth0]/":       weburl.ErrInvalid,
		"http://xn--/":                   weburl.ErrInvalid,
		"http://\u00ad/":                 weburl.ErrInvalid,
		"ftp://example.com/":             weburl.ErrScheme,
		"file:///etc/passwd":             weburl.ErrScheme,
		"javascript:alert(1)":            weburl.ErrScheme,
		"mailto:a@example.com":           weburl.ErrScheme,
		"data:text/html,x":               weburl.ErrScheme,
		"http://u:secret@example.com/":   weburl.ErrCredentials,
		"http://secret@example.com/":     weburl.ErrCredentials,
		"http://:secret@example.com/":    weburl.ErrCredentials,
		`https:\\u:secret@example.com`:   weburl.ErrCredentials,
		"ht\ntp://u:secret@example.com/": weburl.ErrCredentials,
		"http://a/" + strings.Repeat("b", weburl.MaxLength): weburl.ErrTooLong,
	} {
		if u, err := weburl.Parse(raw); !errors.Is(err, want) {
			t.Errorf("%.80q: %v, %v; want %v", raw, u, err, want)
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error repeats the password: %v", raw, err)
		}
	}
}

func TestJoin(t *testing.T) {
	t.Parallel()
	base, err := weburl.Parse("http://example.com/a/b.html?q=1#f")
	if err != nil {
		t.Fatal(err)
	}
	for ref, want := range map[string]string{
		"":                        "http://example.com/a/b.html?q=1",
		"#":                       "http://example.com/a/b.html?q=1",
		"#x y":                    "http://example.com/a/b.html?q=1#x%20y",
		"?p=2":                    "http://example.com/a/b.html?p=2",
		"c.html":                  "http://example.com/a/c.html",
		" c d.html\n":             "http://example.com/a/c%20d.html",
		`..\x`:                    "http://example.com/x",
		"/100%-cotton":            "http://example.com/100%25-cotton",
		"//other.example/x":       "http://other.example/x",
		`\\other.example\x`:       "http://other.example/x",
		"http:c.html":             "http://example.com/a/c.html",
		"https:c.html":            "https://c.html/",
		"\n\t/x\ny":               "http://example.com/xy",
		"a|b[c].html":             "http://example.com/a/a%7Cb[c].html",
		"view?x={y}&z=\"q\"":      "http://example.com/a/view?x={y}&z=%22q%22",
		"https://other.example":   "https://other.example/",
		"./../../../x":            "http://example.com/x",
		"c.html?a=1&amp=2":        "http://example.com/a/c.html?a=1&amp=2",
		"http://other.example/%7": "http://other.example/%257",
	} {
		u, err := weburl.Join(base, ref)
		if err != nil || u.String() != want {
			t.Errorf("%q: %v, %v, want %s", ref, u, err, want)
		}
	}
	for ref, want := range map[string]error{
		"javascript:void(0)": weburl.ErrScheme, "mailto:x": weburl.ErrScheme, "tel:1": weburl.ErrScheme, "http://u:p@x/": weburl.ErrCredentials,
		"//": weburl.ErrInvalid, "http://[": weburl.ErrInvalid, "//1.2.3.256": weburl.ErrInvalid,
	} {
		if u, err := weburl.Join(base, ref); !errors.Is(err, want) {
			t.Errorf("%q: %v, %v, want %v", ref, u, err, want)
		}
	}
}

// BenchmarkParse compares the function plain with the library.
func BenchmarkParse(b *testing.B) {
	for name, raw := range map[string]string{
		"plain": "https://www.example.com/docs/current/runtime-config-wal.html?lang=en", "library": "https://www.example.com/docs/current/runtime config",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				_, _ = weburl.Parse(raw)
			}
		})
	}
}
