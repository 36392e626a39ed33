package page

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"legwork/internal/research"
	"legwork/internal/testsite"
)

func write(t *testing.T, path, text string, at time.Time) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	allowed, disallowed := filepath.Join(dir, "allowed.txt"), filepath.Join(dir, "disallowed.txt")
	write(t, allowed, "\uFEFF# What may be read\r\n\r\nexample.com # and what is below it\r\n*.example.org\ndocs.*\nbücher.de\n127.0.0.1\n", time.Now())
	write(t, disallowed, "ads.example.com\n*tracker*\n", time.Now())
	l, err := OpenLists(allowed, disallowed, nil)
	if err != nil {
		t.Fatal(err)
	}
	for host, may := range map[string]bool{
		"example.com": true, "www.EXAMPLE.com.:8080": true, "example.org": false, "www.example.org": true, "docs.python.org": true, "docs": false,
		"xn--bcher-kva.de": true, "127.0.0.1:80": true, "127.0.0.2": false, "other.net": false, "notexample.com": false,
		"ads.example.com": false, "x.ads.example.com": false, "mytracker.example.com": false,
	} {
		if why := l.Refuse(host); (why == "") != may || !may && !strings.HasSuffix(why, ".") {
			t.Errorf("%s: %q", host, why)
		}
	}
	for host, denied := range map[string]bool{"other.net": false, "ads.example.com": true, "tracker.net": true} {
		if why := l.Denied(host); (why != "") != denied {
			t.Errorf("%s denied: %q", host, why)
		}
	}
	var none *Lists
	if none.Refuse("example.com") != "" || none.Denied("example.com") != "" {
		t.Error("no lists refuse something")
	}
	if why := (Policy{Lists: l, AllowDomains: []string{"other.net"}}).Refuse("other.net"); why == "" {
		t.Error("a task can widen the operator's list")
	}
}

// TestListsAreReadAgain: a changed file takes effect, a broken file does not, and a file is checked at most once per second.
func TestListsAreReadAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "disallowed.txt")
	var log bytes.Buffer
	l, err := OpenLists("", path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	l.disallowed.now = func() time.Time { return now }
	later := func() { now = now.Add(listCheck) }
	expect := func(when string, hosts ...string) {
		t.Helper()
		for _, host := range []string{"a.example", "b.example", "c.example"} {
			if got := l.Refuse(host) != ""; got != strings.Contains(strings.Join(hosts, " "), host) {
				t.Errorf("%s: %s refused: %v", when, host, got)
			}
		}
	}
	later()
	expect("without a file")
	write(t, path, "a.example\n", now)
	expect("too soon")
	later()
	expect("written", "a.example")
	write(t, path, "b.example\n", now) // same length, other modification time
	later()
	expect("changed", "b.example")
	for _, broken := range []string{"c.example\nhttp://c.example/\n", "c.example, a.example", "c.ex\x00ample", "c\xff.example", "[c*", strings.Repeat("c.example\n", maxListFile/10+1)} {
		log.Reset()
		write(t, path, broken, now)
		later()
		expect("broken", "b.example")
		if !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), path) {
			t.Errorf("the log says %q", log.String())
		}
		log.Reset()
		later()
		expect("still broken", "b.example")
		if log.Len() > 0 {
			t.Errorf("the same file again: %q", log.String())
		}
		if _, err := OpenLists("", path, nil); err == nil {
			t.Errorf("a start with %.20q succeeds", broken)
		}
	}
	write(t, path, "c.example\n", now)
	later()
	expect("mended", "c.example")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	later()
	expect("removed", "c.example")
	if !strings.Contains(log.String(), "empty its file") {
		t.Errorf("nothing says that the file is gone: %q", log.String())
	}
	write(t, path, "# nothing\n", now)
	later()
	expect("emptied")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenLists("", path, nil); err == nil {
		t.Error("a folder is a list")
	}
}

// TestListsHoldForRedirects: the lists are applied to the target of each redirect.
func TestListsHoldForRedirects(t *testing.T) {
	t.Parallel()
	site, other := testsite.Start(t), testsite.Start(t)
	abroad := strings.Replace(other.URL("/index.html"), "127.0.0.1", "localhost", 1)
	answer(site, "/away", "text/html", nil, `<meta http-equiv="refresh" content="0; url=`+abroad+`">`)
	path := filepath.Join(t.TempDir(), "disallowed.txt")
	write(t, path, "localhost\n", time.Now())
	l, err := OpenLists("", path, nil)
	if err != nil {
		t.Fatal(err)
	}
	f, _ := fetcher(t, config())
	if v := visit(t, f, site.URL("/away"), Policy{Lists: l}); v.Outcome != research.OutcomePolicy || v.FinalURL != abroad || len(other.Requests()) != 0 {
		t.Errorf("%s %s, %d requests", v.Outcome, v.FinalURL, len(other.Requests()))
	}
	if v := visit(t, f, site.URL("/away"), Policy{}); v.Outcome != research.OutcomeOK {
		t.Errorf("without the list: %s %s", v.Outcome, v.Message)
	}
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte("# a\nexample.com\n*.b.*\n"), "www.example.com")
	f.Fuzz(func(t *testing.T, text []byte, host string) {
		patterns, err := parseList(text)
		if err == nil {
			matching(patterns, host)
		}
	})
}
