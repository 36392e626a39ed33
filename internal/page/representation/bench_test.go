package representation

import (
	"strings"
	"testing"
)

// BenchmarkPage measures the time to find the kind and the charset of a page of 100 KB.
func BenchmarkPage(b *testing.B) {
	body := []byte("<!doctype html><html><head><meta charset=utf-8><title>x</title></head><body>" + strings.Repeat("<p>Some words of a page, größer as usual, with <a href=x>a link</a>.</p>\n", 1400))
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, whole, err := Unpack(nil, body, 10<<20); err != nil || !whole {
			b.Fatal(err)
		}
		KindOf("text/html", nil, body)
		Text(body, "text/html")
	}
}
