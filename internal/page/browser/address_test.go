package browser_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"legwork/internal/page/browser"
	"legwork/internal/testsite"
	"legwork/internal/weburl"
)

// TestAddressesAreReadAsChromiumReadsThem compares weburl with Chromium's `new URL` on random combinations of difficult parts. Both must
// accept the same addresses and give the same result.
func TestAddressesAreReadAsChromiumReadsThem(t *testing.T) {
	t.Parallel()
	const base = "http://base.example/dir/page.html?q#f"
	inputs := oddAddresses(4000)
	in, err := json.Marshal(inputs)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "addresses.html")
	// weburl percent-encodes characters that net/url does not accept in a path. The script does the same.
	script := `const seen = ` + string(in) + `.map(s => { try {
		const u = new URL(s, "` + base + `");
		if (!/^https?:$/.test(u.protocol)) return "scheme";
		if (u.username || u.password) return "credentials";
		const path = u.pathname.replace(/%(?![0-9a-fA-F]{2})/g, "%25").replace(/[^-\w.~!$&'()*+,;=:@\/\[\]%]/g, encodeURIComponent);
		return u.origin + path + (u.search == "?" ? "" : u.search);
	} catch { return "invalid" } });
	document.title = btoa(unescape(encodeURIComponent(JSON.stringify(seen))));`
	page := "<!doctype html><meta charset=utf-8><script>" + strings.ReplaceAll(script, "</", `<\/`) + "</script>"
	if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
		t.Fatal(err)
	}
	want := chromiumTitle(t, file)
	at, err := weburl.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	join, accepted, wrong := weburl.NewBase(at), 0, 0
	for i, raw := range inputs {
		u, err := join.Join(raw)
		var got string
		switch {
		case errors.Is(err, weburl.ErrScheme):
			got = "scheme"
		case errors.Is(err, weburl.ErrCredentials):
			got = "credentials"
		case err != nil:
			got = "invalid"
		default:
			u.Fragment, u.RawFragment = "", ""
			accepted++
			got = u.String()
		}
		if got != want[i] {
			if wrong++; wrong <= 20 {
				t.Errorf("%q: %s; Chromium says %s", raw, got, want[i])
			}
		}
	}
	if accepted < len(inputs)/4 || accepted > len(inputs)*3/4 {
		t.Errorf("%d of %d addresses are accepted: the comparison says little", accepted, len(inputs))
	}
	t.Logf("%d addresses, %d accepted, %d wrong", len(inputs), accepted, wrong)
}

// TestQueriesAreEncodedAsChromiumEncodesThem compares the link addresses that weburl finds on pages of several charsets with those that
// Chromium finds.
func TestQueriesAreEncodedAsChromiumEncodesThem(t *testing.T) {
	t.Parallel()
	const base = "http://base.example/dir/page.html"
	at, err := weburl.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	inputs := []string{"?q=größe", "?q=Москва", "?q=日本語ソ表", "?q=中文", "?q=한국어", "?q=☃😀", "?a b=ü&c=\"<>'#ö", "größe?ü", "#?ü", "?50%ü", "?ü?é", "?€‰", "http://bücher.example/ü?ü"}
	var escaped strings.Builder
	for _, unit := range utf16.Encode([]rune(strings.Join(inputs, "\n"))) {
		fmt.Fprintf(&escaped, "\\u%04x", unit)
	}
	for _, charset := range []string{"windows-1252", "windows-1251", "iso-8859-2", "koi8-r", "shift_jis", "euc-jp", "gbk", "gb18030", "big5", "euc-kr", "utf-8"} {
		file := filepath.Join(t.TempDir(), "links.html")
		page := "<!doctype html><meta charset=" + charset + "><base href='" + base + "'><script>" +
			`const seen = "` + escaped.String() + `".split("\n").map(s => { const a = document.createElement("a"); a.href = s; return a.href; });
			document.title = btoa(JSON.stringify(seen));</script>`
		if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		want, join := chromiumTitle(t, file), weburl.NewBaseIn(at, charset)
		for i, raw := range inputs {
			if u, err := join.Join(raw); err != nil || u.String() != want[i] {
				t.Errorf("%s, %q: %v, %v; Chromium says %s", charset, raw, u, err, want[i])
			}
		}
	}
}

// oddAddresses combines parts of addresses at random. With a fixed seed, the result is the same each time. It leaves out host names that
// Chromium does not parse according to the standard: names with a space, an asterisk or an empty "xn--".
func oddAddresses(n int) []string {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	schemes := []string{"http://", "https://", "HTTP://", "http:", "http:/", "http:///", `http:\\`, "//", "", "", "/", "ht\ntp://", "ftp://", "mailto:", "javascript:", " http://", "https:"}
	users := []string{"", "", "", "", "", "", "", "u@", "u:p@", "@", ":@", "a%40b@"}
	hosts := []string{"example.com", "EXAMPLE.com", "example.com.", "a_b.example", "bücher.example", "faß.example", "ex%61mple.com", "exa\tmple.com", "a..b",
		"127.0.0.1", "127.1", "0x7f.1", "017700000001", "256.1.1.1", "1.2.3.4.5", "1.2.3.08", "1.2.3.4.", "1.2.3", "4294967296", "[::1]", "[1::2::3]", "[::ffff:1.2.3.4]", "[fe80::1%25x]",
		"", "localhost", "xn--bcher-kva.example", "a<b", "a^b", "a|b", "a'b", "a%b", "a%00b", "日本語。jp", "-a.example", "a-.example", "ab--c.example", "1a.example", "é.example", "٣.example", "\u00ad", "a\u200db.example"}
	ports := []string{"", "", "", "", ":80", ":443", ":", ":0", ":65535", ":65536", ":8a", ":0081", ": 80"}
	paths := []string{"", "/", "/a", "/a/../b", "/a/./b", "/..", "/%2e%2e/x", `\a\b`, "/100%", "/%zz", "/%4", "/a b", "/a|b", "/a^b", "/{x}", "/[x]", "/ü", "/%C3%BC", "/a//b", "/a;b=c", "/'q'", `/"q"`, "/<x>", "/`",
		"/a\nb", "/\x01", "/日本", "/a%2Fb", "/~x", "/!$&()*+,=:@", "a", "a/b", "./x", "../../x", "/a/b/..", "/c:/x", "/c|/x", "/*", "/\u200b"}
	queries := []string{"", "", "", "?", "?a=b", "?a b", "?50%off", "?ü=ö", "?'x'", `?"x"`, "?{x}|[y]", "?a?b", "?<>", "?a\tb", "?`^"}
	fragments := []string{"", "", "#", "#a", "#a b", "#ü", "#%"}
	ends := []string{"", "", "", " ", "\n", "\t ", "\x00"}
	out := make([]string, n)
	for i := range out {
		out[i] = pick(schemes) + pick(users) + pick(hosts) + pick(ports) + pick(paths) + pick(queries) + pick(fragments) + pick(ends)
	}
	return out
}

// chromiumTitle opens a file in Chromium and decodes the list in the title of the page.
func chromiumTitle(t *testing.T, file string) []string {
	t.Helper()
	program, err := browser.Find("auto")
	if err != nil {
		t.Fatalf("this test needs a browser: %v", err)
	}
	cmd := exec.CommandContext(t.Context(), program, "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir="+testsite.BrowserProfile(t), "--dump-dom", "file://"+file)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`<title>([^<]*)</title>`).FindSubmatch(out)
	if m == nil {
		t.Fatalf("Chromium gave %.500q", out)
	}
	var list []string
	text, err := base64.StdEncoding.DecodeString(string(m[1]))
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		t.Fatal(fmt.Errorf("read the list: %w", err))
	}
	return list
}
