package weburl_test

import (
	"testing"

	"legwork/internal/weburl"
)

// TestJoinInCharset resolves references of pages in other charsets than UTF-8. The expected addresses are what Chromium gives
// (internal/page/browser compares more of them).
func TestJoinInCharset(t *testing.T) {
	t.Parallel()
	at, err := weburl.Parse("http://example.com/dir/page")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ charset, ref, want string }{
		{"windows-1251", "?q=Москва", "http://example.com/dir/page?q=%CC%EE%F1%EA%E2%E0"},
		{"windows-1251", "путь?q=ш#я", "http://example.com/dir/%D0%BF%D1%83%D1%82%D1%8C?q=%F8#%D1%8F"},
		{"windows-1251", "https://пример.example/?q=я", "https://xn--e1afmkfd.example/?q=%FF"},
		{"windows-1252", "?q=größe&r=☃", "http://example.com/dir/page?q=gr%F6%DFe&r=%26%239731%3B"},
		{"iso-8859-1", "?q=€", "http://example.com/dir/page?q=%80"}, // iso-8859-1 is a label of windows-1252
		{"gbk", "?q=中文", "http://example.com/dir/page?q=%D6%D0%CE%C4"},
		{"shift_jis", "?q=ソ", `http://example.com/dir/page?q=%83\`}, // the second byte of this character is a backslash
		{"euc-kr", "?q=한국어 문서", "http://example.com/dir/page?q=%C7%D1%B1%B9%BE%EE%20%B9%AE%BC%AD"},
		{"windows-1251", "?q=50%&r=%D1%8F", "http://example.com/dir/page?q=50%&r=%D1%8F"}, // ASCII does not change
		{"windows-1251", "путь", "http://example.com/dir/%D0%BF%D1%83%D1%82%D1%8C"},
		{"windows-1251", "#?я", "http://example.com/dir/page#?%D1%8F"}, // this reference has no query, only a fragment
		{"utf-8", "?q=я", "http://example.com/dir/page?q=%D1%8F"},
		{"utf-16le", "?q=я", "http://example.com/dir/page?q=%D1%8F"},
		{"no-such-charset", "?q=я", "http://example.com/dir/page?q=%D1%8F"},
	} {
		u, err := weburl.NewBaseIn(at, tt.charset).Join(tt.ref)
		if err != nil || u.String() != tt.want {
			t.Errorf("%s, %q: %v, %v; want %s", tt.charset, tt.ref, u, err, tt.want)
			continue
		}
		if again, err := weburl.Parse(tt.want); err != nil || again.String() != tt.want {
			t.Errorf("%s again: %v, %v", tt.want, again, err)
		}
	}
}
