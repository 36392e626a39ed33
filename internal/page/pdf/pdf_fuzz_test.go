package pdf

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"legwork/internal/testcost"
)

// FuzzLayout arranges characters at any positions. It checks that time, memory and the size of the text are bounded.
func FuzzLayout(f *testing.F) {
	f.Add([]byte("The kettle holds 1.7 litres-\nof water"), uint8(10), uint8(3))
	f.Add([]byte("a b c d e f g h i j k l m n o p"), uint8(120), uint8(40))
	f.Add([]byte{0, 255, 128, 7, 9, 10, 13, 32}, uint8(0), uint8(255))
	f.Fuzz(func(t *testing.T, data []byte, dx, dy uint8) {
		data = data[:min(len(data), 4_000)]
		var glyphs []glyph
		var lines []rule
		x, y := 0.0, 700.0
		for i, c := range data {
			if c%23 == 0 {
				x, y = float64(c)*float64(dx%7), y-float64(dy%40)
			}
			x += float64(dx%32) / 2
			if c%29 == 0 {
				lines = append(lines, rule{x - 100, x + 100, y})
			}
			glyphs = append(glyphs, glyph{text: string(rune(c)), x0: x, x1: x + 5, y0: y, y1: y + 8, size: 1 + float64(c%20),
				space: c == ' ', ending: c == '\n', turned: i % 4 * int(dy%2), fixed: c%5 == 0})
		}
		var d Document
		testcost.Check(t, len(data), testcost.Limit{Time: 50 * time.Microsecond, Alloc: 20_000}, func() {
			d = Document{}
			d.render([]layout{arrange(1, slices.Clone(glyphs), func() []rule { return lines })})
		})
		out := 0
		for _, p := range d.Pages {
			out += len(p.Text)
		}
		if out > 100+12*len(data) {
			t.Errorf("%d bytes of text from %d characters", out, len(data))
		}
	})
}

// FuzzRead opens any bytes as a PDF. The memory used grows with the content of the pages. This may be much larger than the file, because
// several pages may share content; package parser limits the memory. The files of the fuzzer are small enough to check a limit.
func FuzzRead(f *testing.F) {
	f.Add([]byte("%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj trailer<</Root 1 0 R>>"))
	f.Add(newFile().page(prose(72, 700, "The kettle holds 1.7 litres", "of water.")).bytes(nil))
	f.Add(newFile().page(prose(72, 700, "Sealed.")).bytes(newCipher(4, "")))
	engine := NewEngine("")
	f.Cleanup(engine.Close)
	if err := engine.Start(); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		var d Document
		var err error
		testcost.Check(t, len(body), testcost.Limit{Time: time.Millisecond, Alloc: 20_000, StartAlloc: 64 << 20, StartTime: 5 * time.Second}, func() { d, err = engine.Read(ctx, body) })
		if err != nil && !errors.Is(err, ErrBroken) && !errors.Is(err, ErrPassword) {
			t.Error(err)
		}
		if len(d.Pages) > MaxPages {
			t.Errorf("%d pages", len(d.Pages))
		}
	})
}
