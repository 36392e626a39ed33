package plaintext

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"": "", "plain": "plain", "a\x00b": "ab", "a\tb\nc": "a\tb\nc", "a\r\nb\rc": "a\nb\nc", "bell\x07\x1b[0m": "bell[0m",
		"\xff": "\uFFFD", "\xed\xa0\x80": "\uFFFD\uFFFD\uFFFD", "caf\u00e9": "caf\u00e9", "no\u00a0break": "no break", "soft\u00adhyphen": "softhyphen",
		"\ufeffbom": "bom", "zero\u200bwidth": "zerowidth", "join\u200dner": "join\u200dner", "c1\u0085x": "c1x", "del\x7f": "del", "\ufdd0": "\uFFFD",
		"\uffff": "\uFFFD", "tag\U000E0041": "tag", "line\u2028end": "line\nend", "😀": "😀",
		"cafe\u0301": "café", "e\u00ad\u0301": "é", "e\u200b\u0301": "é", "\u212b": "Å", "\u1112\u1161\u11ab": "한", "か\u3099": "が", "q\u0323\u0307": "q\u0323\u0307",
		"q\u0307\u0323": "q\u0323\u0307", "ﬁ": "ﬁ", "①": "①", "\u0301x": "\u0301x", "a\u0308\u0304": "ǟ", "\u2126": "Ω", "x\u00a0\u0301": "x \u0301",
	} {
		if got := Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x00\r\n\xff\xed\xa0\x80\u00a0\ufdd0")
	f.Add("e\u00ad\u0301" + strings.Repeat("\u0301", 40) + "\u1100\u200b\u1161")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\r\x07\x7f\u00ad\u200b\ufdd0\ufdd1") {
			t.Errorf("%q → %q", s, got)
		}
		if Clean(got) != got || !norm.NFC.IsNormalString(got) {
			t.Errorf("not stable: %q", got)
		}
		if len(got) > 4*len(s)+8 {
			t.Errorf("%d bytes of %d", len(got), len(s))
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
