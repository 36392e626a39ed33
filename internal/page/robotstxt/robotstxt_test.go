package robotstxt_test

import (
	"strings"
	"testing"
	"time"

	"legwork/internal/page/robotstxt"
	"legwork/internal/testcost"
)

// TestAllowed follows RFC 9309. Where the RFC leaves a case open, it follows Google's documentation of its parser.
func TestAllowed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		file         string
		allowed, not string // paths, separated by spaces
	}{
		"empty":                           {"", "/ /x", ""},
		"no rules":                        {"User-agent: *\n", "/x", ""},
		"all":                             {"User-agent: *\nDisallow: /\n", "/robots.txt", "/ /x"},
		"nothing":                         {"User-agent: *\nDisallow:\nAllow:\n", "/x", ""},
		"rules of nobody":                 {"Disallow: /\nUser-agent: *\nDisallow: /x\n", "/y", "/x"},
		"cases of names":                  {"USER-AGENT: LegWork\ndisAllow: /x\n", "/X", "/x"},
		"spaces around":                   {"  User-agent \t:  legwork  \n\tDisallow  :\t/x \n", "/y", "/x"},
		"comments":                        {"# hello\nUser-agent: legwork # us\nDisallow: /x # not\n#Disallow: /y\n", "/y", "/x"},
		"no colon":                        {"User-agent *\nDisallow /x\nDisallow /y z\n", "/y", "/x"},
		"misspelt":                        {"useragent: *\ndissallow: /a\ndissalow: /b\ndisalow: /c\ndiasllow: /d\ndisallaw: /e\ndisallows: /f\n", "/f", "/a /b /c /d /e"},
		"own before all":                  {"User-agent: *\nDisallow: /\nUser-agent: legwork\nDisallow: /x\n", "/y", "/x"},
		"own is empty":                    {"User-agent: *\nDisallow: /\n\nUser-agent: legwork\n", "/x", ""},
		"own groups are one":              {"User-agent: legwork\nDisallow: /a\nUser-agent: *\nDisallow: /\nUser-agent: legwork\nDisallow: /b\n", "/c", "/a /b"},
		"groups for all are one":          {"User-agent: *\nDisallow: /a\nUser-agent: x\nDisallow: /\nUser-agent: *\nDisallow: /b\n", "/c", "/a /b"},
		"shared group":                    {"User-agent: a\nUser-agent: legwork\nUser-agent: b\nDisallow: /x\nUser-agent: c\nDisallow: /\n", "/y", "/x"},
		"shared with all":                 {"User-agent: *\nUser-agent: legwork\nDisallow: /x\n", "/y", "/x"},
		"blank lines end nothing":         {"User-agent: legwork\n\n\nDisallow: /x\n\nAllow: /x/y\n", "/x/y /z", "/x"},
		"other lines end nothing":         {"User-agent: legwork\nSitemap: http://a/s.xml\nNonsense\nUser-agent: b\nDisallow: /x\n", "/y", "/x"},
		"a delay ends nothing":            {"User-agent: legwork\nCrawl-delay: 1\nUser-agent: b\nDisallow: /x\n", "/y", "/x"},
		"token with version":              {"User-agent: legwork/2.1\nDisallow: /x\n", "/y", "/x"},
		"token with comment":              {"User-agent: legwork (research)\nDisallow: /x\n", "/y", "/x"},
		"beginning of the token":          {"User-agent: leg\nDisallow: /\n", "/x", ""},
		"longer token":                    {"User-agent: legworker\nUser-agent: legwork-images\nDisallow: /\n", "/x", ""},
		"another token ends like ours":    {"User-agent: my legwork\nDisallow: /\n", "/x", ""},
		"star with text":                  {"User-agent: * (all)\nDisallow: /x\n", "/y", "/x"},
		"star in a word":                  {"User-agent: *bot\nDisallow: /x\n", "/x", ""},
		"longest match":                   {"User-agent: *\nDisallow: /a\nAllow: /a/b\nDisallow: /a/b/c\n", "/a/b /a/b/d /", "/a /a/x /a/b/c"},
		"order does not matter":           {"User-agent: *\nDisallow: /a/b/c\nAllow: /a/b\nDisallow: /a\n", "/a/b", "/a /a/b/c"},
		"ties":                            {"User-agent: *\nDisallow: /a\nAllow: /a\nAllow: /b\nDisallow: /b\n", "/a /b", ""},
		"wildcards have length":           {"User-agent: *\nAllow: /p\nDisallow: /*.html\n", "/p", "/p.html"},
		"asterisk in an allow":            {"User-agent: *\nAllow: /page*\nDisallow: /page\n", "/page", ""},
		"end":                             {"User-agent: *\nDisallow: /*.pdf$\nDisallow: /x$\n", "/a.pdfs /a.pdf?b /x/ /xx", "/a.pdf /x /.pdf"},
		"dollar inside":                   {"User-agent: *\nDisallow: /a$b\n", "/a", "/a$b /a%24b"},
		"only dollar":                     {"User-agent: *\nDisallow: /$\n", "/a", "/"},
		"many asterisks":                  {"User-agent: *\nDisallow: /a**b*c$\n", "/abd /ac", "/abc /a/b/c/c /axxbxxc"},
		"asterisk at the end":             {"User-agent: *\nDisallow: /a*$\n", "/b", "/a /ab"},
		"overlap at the end":              {"User-agent: *\nDisallow: /ab*bc$\n", "/abc", "/abbc"},
		"asterisk first":                  {"User-agent: *\nDisallow: *.php\n", "/x", "/a.php /.php"},
		"no slash first":                  {"User-agent: *\nDisallow: x\n", "/x", ""},
		"query":                           {"User-agent: *\nDisallow: /*?print=\nDisallow: /s?q\n", "/a?x=1 /s /s/?q", "/a?print=1 /s?q=1"},
		"case of paths":                   {"User-agent: *\nDisallow: /A\n", "/a", "/A"},
		"letters beyond ASCII":            {"User-agent: *\nDisallow: /café\nDisallow: /%e3%83%84\n", "/cafe", "/caf%C3%A9 /caf%c3%a9/x /café /ツ /%E3%83%84"},
		"escaped letters":                 {"User-agent: *\nDisallow: /%62%61%7A\nDisallow: /~x\nDisallow: /a-b\n", "/ba", "/baz /b%61z /%7Ex /%7ex /a%2Db"},
		"escaped reserved ones":           {"User-agent: *\nDisallow: /a%2Fb\nDisallow: /c?d\n", "/a/b /c%3Fd", "/a%2Fb /a%2fb /c?d"},
		"escaped asterisk":                {"User-agent: *\nDisallow: /a%2Ab\n", "/axb /a", "/a*b /a%2ab"},
		"space and braces":                {"User-agent: *\nDisallow: /a b\nDisallow: /{x}|\n", "/a", "/a%20b /%7Bx%7D%7C"},
		"bare percent":                    {"User-agent: *\nDisallow: /100%\n", "/100", "/100%25 /100%"},
		"regular expression characters":   {"User-agent: *\nDisallow: /a+b(c.[d]\n", "/aab /a+b(cx[d]", "/a+b(c.[d]"},
		"index.html is the folder":        {"User-agent: *\nAllow: /a/index.html\nDisallow: /\n", "/a/ /a/index.html", "/a /a/b /a/index.htm"},
		"byte order mark":                 {"\xEF\xBB\xBFUser-agent: *\nDisallow: /x\n", "/y", "/x"},
		"half a byte order mark":          {"\xEF\xBBUser-agent: *\nDisallow: /x\n", "/x", ""},
		"carriage returns":                {"User-agent: *\rDisallow: /x\r", "/y", "/x"},
		"both":                            {"User-agent: *\r\nDisallow: /x\r\n", "/y", "/x"},
		"no end of line":                  {"User-agent: *\nDisallow: /x", "/y", "/x"},
		"HTML":                            {"<!doctype html><p>User-agent: *</p>\n<p>Disallow: /</p>\n", "/x", ""},
		"an address instead of a path":    {"User-agent: *\nDisallow: http://a.example/x\n", "/x", ""},
		"bytes":                           {"User-agent: *\nDisallow: /\x00\xff\n", "/x", "/%00%FF"},
		"colon in the path":               {"User-agent: *\nDisallow: /a:b\n", "/a", "/a:b"},
		"a fragment is a comment":         {"User-agent: *\nDisallow: /a#b\n", "/b", "/a /ab"},
		"two delays, no rules":            {"User-agent: *\nCrawl-delay: 1\nCrawl-delay: x\n", "/x", ""},
		"beyond the bound":                {"User-agent: *\nDisallow: /x\n" + strings.Repeat("#\n", robotstxt.MaxSize/2) + "Disallow: /y\n", "/y", "/x"},
		"cut at the bound":                {"User-agent: *\n#" + strings.Repeat("x", robotstxt.MaxSize-27) + "\nDisallow: /abc\n", "/x /abc", ""},
		"rules of other crawlers are not": {"User-agent: a\nDisallow: /\n\nUser-agent: b\nDisallow: /x\n", "/x", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rules := robotstxt.Parse([]byte(tt.file), "legwork")
			for _, path := range strings.Fields(tt.allowed) {
				if !rules.Allowed(path) {
					t.Errorf("%s is forbidden", path)
				}
			}
			for _, path := range strings.Fields(tt.not) {
				if rules.Allowed(path) {
					t.Errorf("%s is allowed", path)
				}
			}
		})
	}
}

func TestDelay(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]time.Duration{
		"":                                  0,
		"User-agent: *\nCrawl-delay: 2.5":   2500 * time.Millisecond,
		"User-agent: *\nCrawl-delay: -1":    0,
		"User-agent: *\nCrawl-delay: soon":  0,
		"User-agent: *\nCrawl-delay: 1e99":  0,
		"User-agent: other\nCrawl-delay: 9": 0,
		"User-agent: *\nCrawl-delay: 9\nUser-agent: legwork\nCrawl-delay: 1\nCrawl-delay: 3": 3 * time.Second,
	} {
		if got := robotstxt.Parse([]byte(file), "Legwork").Delay; got != want {
			t.Errorf("%q: %v, want %v", file, got, want)
		}
	}
}

// TestLinear: files with many rules or many asterisks do not take long.
func TestLinear(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]string{
		"rules":     "User-agent: *\n" + strings.Repeat("Disallow: /a*b$\n", robotstxt.MaxSize/16),
		"asterisks": "User-agent: *\nDisallow: /" + strings.Repeat("a*", robotstxt.MaxSize/2-20),
	} {
		began := time.Now()
		if rules := robotstxt.Parse([]byte(file), "legwork"); !rules.Allowed("/" + strings.Repeat("a", 8000)) {
			t.Errorf("%s: forbidden", name)
		}
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("User-agent: *\nDisallow: /a*b$\nAllow: /%7e\nCrawl-delay: 1"), "/a%2Fb?c")
	f.Add([]byte("\xEF\xBB\xBFUser-agent legwork\rDisallow: /caf\xc3\xa9"), "/")
	f.Add([]byte("user-agent: *\nallow: /index.html\ndisallow: *"), "")
	f.Fuzz(func(t *testing.T, file []byte, path string) {
		rules := robotstxt.Parse(file, "legwork")
		testcost.Check(t, len(file)+len(path), testcost.Limit{Time: 10 * time.Microsecond, Alloc: 2000}, func() {
			rules = robotstxt.Parse(file, "legwork")
			rules.Allowed(path)
		})
		if rules.Delay < 0 {
			t.Errorf("delay %v", rules.Delay)
		}
		if !rules.Allowed("/robots.txt") {
			t.Error("robots.txt itself is forbidden")
		}
	})
}
