package representation

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"legwork/internal/testcost"
)

func packed(t testing.TB, s, coding string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zlib":
		w = zlib.NewWriter(&b)
	case "raw":
		w, _ = flate.NewWriter(&b, 6)
	case "br":
		w = brotli.NewWriter(&b)
	case "zstd":
		w, _ = zstd.NewWriter(&b)
	}
	_, _ = io.WriteString(w, s)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const wheel = "<!doctype html><title>Wheel</title><p>The mill wheel has a diameter of 5.2 metres. Größe."

func TestUnpack(t *testing.T) {
	t.Parallel()
	in := func(coding string) string { return packed(t, wheel, coding) }
	long := strings.Repeat(wheel, 2000)
	for name, tt := range map[string]struct {
		encodings []string
		body      string
		want      string
		cut       bool
	}{
		"none":                          {nil, wheel, wheel, false},
		"identity":                      {[]string{"identity"}, wheel, wheel, false},
		"empty":                         {[]string{"gzip"}, "", "", false},
		"gzip":                          {[]string{"gzip"}, in("gzip"), wheel, false},
		"x-gzip in capitals":            {[]string{" X-GZIP "}, in("gzip"), wheel, false},
		"deflate":                       {[]string{"deflate"}, in("zlib"), wheel, false},
		"raw deflate":                   {[]string{"deflate"}, in("raw"), wheel, false},
		"deflate that is gzip":          {[]string{"deflate"}, in("gzip"), wheel, false},
		"gzip that is plain":            {[]string{"gzip"}, wheel, wheel, false},
		"deflate that is plain":         {[]string{"deflate"}, wheel, wheel, false},
		"br":                            {[]string{"br"}, in("br"), wheel, false},
		"br that is plain":              {[]string{"br"}, wheel, wheel, false},
		"zstd":                          {[]string{"zstd"}, in("zstd"), wheel, false},
		"zstd that is plain":            {[]string{"zstd"}, wheel, wheel, false},
		"twice":                         {[]string{"gzip, gzip"}, packed(t, in("gzip"), "gzip"), wheel, false},
		"twice in two headers":          {[]string{"gzip", "gzip"}, packed(t, in("gzip"), "gzip"), wheel, false},
		"twice, said once":              {[]string{"gzip"}, packed(t, in("gzip"), "gzip"), wheel, false},
		"once, said twice":              {[]string{"gzip, gzip"}, in("gzip"), wheel, false},
		"not said":                      {nil, in("gzip"), wheel, false},
		"deflate in gzip":               {[]string{"deflate, gzip"}, packed(t, in("zlib"), "gzip"), wheel, false},
		"br in gzip":                    {[]string{"br, gzip"}, packed(t, in("br"), "gzip"), wheel, false},
		"charset as coding":             {[]string{"utf-8"}, wheel, wheel, false},
		"none as coding":                {[]string{"none"}, wheel, wheel, false},
		"a type as coding":              {[]string{"text/html"}, wheel, wheel, false},
		"unknown before gzip":           {[]string{"utf-8, gzip"}, in("gzip"), wheel, false},
		"chunked as coding":             {[]string{"gzip,chunked"}, in("gzip"), wheel, false},
		"gzip without trailer":          {[]string{"gzip"}, in("gzip")[:len(in("gzip"))-8], wheel, false},
		"gzip with half a trailer":      {[]string{"gzip"}, in("gzip")[:len(in("gzip"))-6], wheel, false},
		"gzip with a wrong checksum":    {[]string{"gzip"}, in("gzip")[:len(in("gzip"))-8] + "12345678", wheel, false},
		"gzip with something after":     {[]string{"gzip"}, in("gzip") + "\r\n<!-- cache -->", wheel, false},
		"gzip in two members":           {[]string{"gzip"}, in("gzip") + in("gzip"), wheel + wheel, false},
		"zlib without trailer":          {[]string{"deflate"}, in("zlib")[:len(in("zlib"))-4], wheel, false},
		"zlib with a wrong checksum":    {[]string{"deflate"}, in("zlib")[:len(in("zlib"))-4] + "1234", wheel, false},
		"gzip cut in the middle":        {[]string{"gzip"}, packed(t, long, "gzip")[:300], "", true},
		"zlib cut in the middle":        {[]string{"deflate"}, packed(t, long, "zlib")[:300], "", true},
		"raw deflate cut in the middle": {[]string{"deflate"}, packed(t, long, "raw")[:300], "", true},
	} {
		body, whole, err := Unpack(tt.encodings, []byte(tt.body), 1<<20)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case whole == tt.cut:
			t.Errorf("%s: whole: %v", name, whole)
		case tt.cut && (len(body) == 0 || !strings.HasPrefix(long, string(body))):
			t.Errorf("%s: %q", name, body)
		case !tt.cut && string(body) != tt.want:
			t.Errorf("%s: %q", name, body)
		}
	}
}

func TestUnpackIsBounded(t *testing.T) {
	t.Parallel()
	zeros := strings.Repeat("\x00", 50<<20)
	for name, coding := range map[string]string{"gzip": "gzip", "deflate": "raw", "br": "br", "zstd": "zstd"} {
		began := time.Now()
		bomb := packed(t, zeros, coding)
		if body, _, err := Unpack([]string{name}, []byte(bomb), 1<<20); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %d bytes of %d, %v, %v", name, len(body), len(bomb), err, time.Since(began))
		}
	}
	bomb := packed(t, packed(t, packed(t, zeros, "gzip"), "gzip"), "gzip")
	if _, _, err := Unpack([]string{"gzip,gzip,gzip"}, []byte(bomb), 1<<20); !errors.Is(err, ErrTooLarge) {
		t.Errorf("nested: %v", err)
	}
	nested := wheel
	for range 6 {
		nested = packed(t, nested, "gzip")
	}
	if _, _, err := Unpack([]string{"gzip,gzip,gzip,gzip,gzip,gzip"}, []byte(nested), 1<<20); !errors.Is(err, ErrCoding) {
		t.Errorf("six codings: %v", err)
	}
	for _, broken := range []string{"\x1f\x8b\x08broken", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xff\xff\xff"} {
		if _, _, err := Unpack([]string{"gzip"}, []byte(broken), 1<<20); !errors.Is(err, ErrCoding) {
			t.Errorf("broken: %v", err)
		}
	}
	if _, _, err := Unpack(nil, []byte(wheel), 10); !errors.Is(err, ErrTooLarge) {
		t.Errorf("plain: %v", err)
	}
}

func FuzzUnpack(f *testing.F) {
	for _, coding := range []string{"gzip", "zlib", "raw", "br", "zstd"} {
		f.Add("gzip,deflate,br,zstd", []byte(packed(f, wheel, coding)))
	}
	f.Fuzz(func(t *testing.T, encodings string, body []byte) {
		var out []byte
		var err error
		// One compressed byte may give many bytes, up to the limit.
		testcost.Check(t, len(body)+len(encodings)+1<<20, testcost.Limit{Time: 2 * time.Microsecond, Alloc: 100}, func() {
			out, _, err = Unpack([]string{encodings}, body, 1<<20)
		})
		if err == nil && len(out) > 1<<20 {
			t.Errorf("%d bytes", len(out))
		}
	})
}
