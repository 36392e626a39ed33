package plaintext

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "plain": "plain", "a\x00b": "ab", "a\tb\nc": "a\tb\nc", "a\r\nb\rc": "a\nb\nc", "bell\x07\x1b[0m": "bell[0m",
		"\xff": "\uFFFD", "\xed\xa0\x80": "\uFFFD\uFFFD\uFFFD", "caf\u00e9": "caf\u00e9", "no\u00a0break": "no break", "soft\u00adhyphen": "softhyphen",
		"\ufeffbom": "bom", "zero\u200bwidth": "zerowidth", "join\u200dner": "join\u200dner", "c1\u0085x": "c1x", "del\x7f": "del", "\ufdd0": "\uFFFD",
		"\uffff": "\uFFFD", "tag\U000E0041": "tag", "line\u2028end": "line\nend", "😀": "😀",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x00\r\n\xff\xed\xa0\x80\u00a0\ufdd0")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\r\x07\x7f\u00ad\u200b\ufdd0\ufdd1") {
			t.Errorf("%q → %q", s, got)
		}
		if Clean(got) != got {
			t.Errorf("not stable: %q", got)
		}
	})
}

func TestCut(t *testing.T) {
	t.Parallel()
	if got := Cut("äöü ß", 4); got != "äöü" {
		t.Errorf("%q", got)
	}
	if got := Cut("ab", 2); got != "ab" {
		t.Errorf("%q", got)
	}
}
