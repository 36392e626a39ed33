package terminaltext

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// hostile has an escape sequence, the same in one byte of C1, a bell, and all kinds of overrides of direction.
const hostile = "a\x1b[31mb\a\r\n\tc\u009bd\u202ee\u2066f\u2069\u202a\x7f é 🌊 שלום"

func TestClean(t *testing.T) {
	t.Parallel()
	if got := Clean(hostile); got != "a[31mb\n\tcdef é 🌊 שלום" {
		t.Errorf("%q", got)
	}
	if got := Clean("a\x9b2Jb"); got != "a\ufffd2Jb" {
		t.Errorf("a byte that is a control character for some terminals: %q", got)
	}
}

// TestJSON checks that the value in a document stays the same, and that no terminal could obey the document.
func TestJSON(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	enc := json.NewEncoder(JSON(&out))
	enc.SetIndent("", "\t")
	if err := enc.Encode(map[string]string{"text": hostile}); err != nil {
		t.Fatal(err)
	}
	var back map[string]string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["text"] != hostile {
		t.Errorf("%q, %v", back, err)
	}
	if got := out.String(); Clean(got) != got || !strings.Contains(got, `\u202e`) || !strings.Contains(got, `\u009b`) {
		t.Errorf("%q", got)
	}
}

func FuzzClean(f *testing.F) {
	f.Add(hostile)
	f.Add("\x9b\xff")
	f.Fuzz(func(t *testing.T, s string) {
		got := Clean(s)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, escaped) || Clean(got) != got {
			t.Errorf("%q became %q", s, got)
		}
		var out bytes.Buffer
		if n, err := JSON(&out).Write([]byte(s)); n != len(s) || err != nil || Clean(out.String()) != out.String() {
			t.Errorf("%q was written as %q (%d, %v)", s, out.String(), n, err)
		}
	})
}
