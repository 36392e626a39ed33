package browser_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"legwork/internal/page"
	"legwork/internal/page/browser"
	"legwork/internal/research"
)

// pictures names a folder in which the tests keep their screenshots for people to look at.
var pictures = flag.String("pictures", "", "keep screenshots in this folder")

func (w *world) shoot(s page.Session, name string, r page.ShotRequest) (page.Shot, image.Image) {
	w.t.Helper()
	r.URL = w.site.URL(r.URL)
	shot, err := s.Shoot(w.ctx(), r)
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	if *pictures != "" {
		_ = os.WriteFile(filepath.Join(*pictures, name+".png"), shot.PNG, 0o644)
	}
	img, err := png.Decode(bytes.NewReader(shot.PNG))
	if err != nil {
		w.t.Fatalf("%s: %v", name, err)
	}
	if img.Bounds().Dx() != shot.Width || img.Bounds().Dy() != shot.Height {
		w.t.Errorf("%s: %v is told as %d×%d", name, img.Bounds(), shot.Width, shot.Height)
	}
	return shot, img
}

// marked counts the pixels in the colour of the marker.
func marked(img image.Image) int {
	n := 0
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if r, g, b, _ := img.At(x, y).RGBA(); r>>8 == 0xff && g>>8 == 0xe1 && b>>8 == 0x4d {
				n++
			}
		}
	}
	return n
}

// TestShoot_quote: the picture of a page that was already loaded needs no further request for the page. It shows and marks a quote far
// down.
func TestShoot_quote(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	says(t, w.loadIn(s, "/app/long.html"), "1042")
	for name, quote := range map[string]string{
		"across-elements": "Part number 1042 of the Kestrel is tightened to 45 newton metres.",
		"markdown":        "| Lid screw | 0.8 N·m |\n\n- Never overtighten\n- Use a T10 driver",
		"typography":      "PART  NUMBER 1030 of the\u00a0“Kestrel” is tightened",
		"longest-run":     "Part number 1017 of the Kestrel is tightened to 20 newton metres. And this was never said.",
	} {
		shot, img := w.shoot(s, name, page.ShotRequest{URL: "/app/long.html", Quotes: []string{quote}})
		if !shot.Shown[0] || marked(img) < 300 {
			t.Errorf("%s: in view %v, %d marked pixels", name, shot.Shown[0], marked(img))
		}
		if shot.Width != 1280 || shot.Height != 800 || shot.Title != "Long" {
			t.Errorf("%s: %d×%d, %q", name, shot.Width, shot.Height, shot.Title)
		}
	}
	if shot, img := w.shoot(s, "absent", page.ShotRequest{URL: "/app/long.html", Quotes: []string{"Zebras graze quietly upon moonlit savannas."}}); shot.Shown[0] || marked(img) > 0 {
		t.Errorf("an absent quote: in view %v, %d marked pixels", shot.Shown[0], marked(img))
	}
	if n := w.site.Count("/app/long.html"); n != 1 {
		t.Errorf("the document was requested %d times", n)
	}
	if w.site.Count("/app/kettle.png") == 0 {
		t.Error("pictures were taken without the page's images")
	}
}

// TestShoot_severalQuotes: one picture shows several quotes if they fit. For each quote, the result says whether it is shown.
func TestShoot_severalQuotes(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	part := func(n int) string { return fmt.Sprintf("Part number %d of the Kestrel is tightened to", n) }
	w.site.Page("/two.html", `<!DOCTYPE html><title>Two</title><style>p{margin:0 0 300px}</style>`+
		`<p>`+part(1)+` 1.</p><p>`+part(2)+` 2.</p><p>`+part(3)+` 3.</p><p>`+part(4)+` 4.</p><p>`+part(5)+` 5.</p><p>`+part(6)+` 6.</p>`)
	for name, tt := range map[string]struct {
		quotes []string
		shown  []bool
	}{
		"both fit":             {[]string{part(3), part(4)}, []bool{true, true}},
		"the nearer one":       {[]string{part(2), part(6), part(4)}, []bool{true, false, true}},
		"too far away":         {[]string{part(6), part(1)}, []bool{true, false}},
		"the first is absent":  {[]string{"Zebras graze quietly upon moonlit savannas.", part(6)}, []bool{false, true}},
		"one within the other": {[]string{part(5), "number 5 of the Kestrel"}, []bool{true, true}},
	} {
		shot, img := w.shoot(s, "several-"+name, page.ShotRequest{URL: "/two.html", Quotes: tt.quotes})
		if !slices.Equal(shot.Shown, tt.shown) || marked(img) < 300 {
			t.Errorf("%s: shown %v, want %v; %d marked pixels", name, shot.Shown, tt.shown, marked(img))
		}
	}
	w.site.Page("/sticks.html", `<!DOCTYPE html><title>Sticks</title><div style="position:fixed;inset:0 0 auto 0;height:380px;background:#00f">stuck</div>
		<p style="margin-top:900px">`+part(7)+` 7.</p><p style="margin:250px 0 3000px">`+part(8)+` 8.</p>`)
	if shot, img := w.shoot(s, "several-sticks", page.ShotRequest{URL: "/sticks.html", Quotes: []string{part(7), part(8)}}); !slices.Equal(shot.Shown, []bool{true, true}) || marked(img) < 600 {
		t.Errorf("below a fixed element: %v, %d marked pixels", shot.Shown, marked(img))
	}
}

// TestShoot_covered: a quote that is covered, or cut off by a scrolling element, is reported as not shown.
func TestShoot_covered(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/covered.html", `<!DOCTYPE html><title>Covered</title><p>The gasket of the Kestrel is made of silicone.</p>
		<div style="position:absolute;inset:0;background:#fff">A sheet</div>`)
	w.site.Page("/cut.html", `<!DOCTYPE html><title>Cut</title><div style="height:20px;overflow:clip"><div style="height:60px"></div><p>The gasket of the Kestrel is made of silicone.</p></div><p>below</p>`)
	s := w.open(page.Policy{})
	for _, url := range []string{"/covered.html", "/cut.html"} {
		if shot, _ := w.shoot(s, "covered", page.ShotRequest{URL: url, Quotes: []string{"The gasket of the Kestrel is made of silicone."}}); shot.Shown[0] {
			t.Errorf("%s: the quote is told to be in view", url)
		}
	}
}

// TestShoot_nested: a quote in a frame, in a shadow root or in a scrolling element is found.
func TestShoot_nested(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	w.site.Page("/scroller.html", `<!DOCTYPE html><title>Scroller</title><div style="height:300px;overflow:auto"><div style="height:4000px">top</div>
		<p>The thermostat of the Kestrel clicks twice.</p><div style="height:2000px"></div></div><details><summary>More</summary><p>The fuse of the Kestrel is rated 13 amperes.</p></details>`)
	for _, r := range []page.ShotRequest{
		{URL: "/app/frames.html", Quotes: []string{"The spout of the Kestrel pours 18 millilitres a second."}},
		{URL: "/app/frames.html", Quotes: []string{"It stays below 40 degrees."}},
		{URL: "/scroller.html", Quotes: []string{"The thermostat of the Kestrel clicks twice."}},
		{URL: "/scroller.html", Quotes: []string{"The fuse of the Kestrel is rated 13 amperes."}},
	} {
		shot, img := w.shoot(s, "nested", r)
		if !shot.Shown[0] || marked(img) < 300 {
			t.Errorf("%q: in view %v, %d marked pixels", r.Quotes, shot.Shown[0], marked(img))
		}
	}
}

// TestShoot_invisible: text that is in the document but not visible is reported as not shown.
func TestShoot_invisible(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/hidden.html", `<!DOCTYPE html><title>Hidden</title><p>To be seen.</p><p style="display:none">The secret of the Kestrel is a small magnet.</p>`)
	shot, _ := w.shoot(w.open(page.Policy{}), "hidden", page.ShotRequest{URL: "/hidden.html", Quotes: []string{"The secret of the Kestrel is a small magnet."}})
	if shot.Shown[0] {
		t.Error("hidden text is told to be in view")
	}
}

// TestShoot_fullPage: the height of a picture of the full page is limited. A quote below this height is reported as not shown.
func TestShoot_fullPage(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	shot, _ := w.shoot(s, "full", page.ShotRequest{URL: "/app/long.html", FullPage: true, Quotes: []string{"Part number 1010 of the Kestrel"}})
	if shot.Width != 1280 || shot.Height != 5000 || !shot.Shown[0] || len(shot.PNG) > 3<<20 {
		t.Errorf("%d×%d, %d bytes, in view %v", shot.Width, shot.Height, len(shot.PNG), shot.Shown[0])
	}
	if shot, _ := w.shoot(s, "full-beyond", page.ShotRequest{URL: "/app/long.html", FullPage: true, Quotes: []string{"Part number 1058 of the Kestrel"}}); shot.Shown[0] {
		t.Error("a quote below the picture is told to be in view")
	}
	w.site.Page("/sticky.html", `<!DOCTYPE html><title>Sticky</title><style>body{margin:0}</style>
		<header style="position:fixed;top:0;left:0;right:0;height:40px;background:#0000ff"></header><div style="height:2500px"></div>
		<p>The lid of the Kestrel opens to 85 degrees.</p><div style="height:1200px"></div>`)
	shot, img := w.shoot(s, "sticky", page.ShotRequest{URL: "/sticky.html", FullPage: true, Quotes: []string{"The lid of the Kestrel opens to 85 degrees."}})
	if !shot.Shown[0] || marked(img) < 300 {
		t.Errorf("in view %v, %d marked pixels", shot.Shown[0], marked(img))
	}
	for y := range img.Bounds().Dy() {
		if r, _, b, _ := img.At(5, y).RGBA(); (r>>8 == 0 && b>>8 == 255) != (y < 40) {
			t.Fatalf("the header that sticks to the top is not there, or drawn elsewhere: row %d", y)
		}
	}
	w.site.Page("/noise.html", `<!DOCTYPE html><title>Noise</title><canvas width="1280" height="1600"></canvas><script>
		const c = document.querySelector('canvas').getContext('2d'), d = c.createImageData(1280, 1600);
		for (let i = 0; i < d.data.length; i++) d.data[i] = i % 4 == 3 ? 255 : Math.random() * 256;
		c.putImageData(d, 0, 0)</script>`)
	for _, full := range []bool{true, false} {
		if shot, _ := w.shoot(s, "noise", page.ShotRequest{URL: "/noise.html", FullPage: full}); len(shot.PNG) > 3<<20 {
			t.Errorf("%d bytes, %d×%d", len(shot.PNG), shot.Width, shot.Height)
		}
	}
}

// TestShoot_banner: the picture has no consent banner, and the page behind it can be scrolled.
func TestShoot_banner(t *testing.T) {
	w := newWorld(t)
	shot, img := w.shoot(w.open(page.Policy{}), "banner", page.ShotRequest{URL: "/app/banner.html", Quotes: []string{"never with bleach"}})
	if !shot.Shown[0] || marked(img) < 200 {
		t.Errorf("in view %v, %d marked pixels", shot.Shown[0], marked(img))
	}
	// Without a quote, elements that cover the page are not removed.
	_, plain := w.shoot(w.open(page.Policy{}), "banner-plain", page.ShotRequest{URL: "/app/banner.html"})
	for _, img := range []image.Image{img, plain} {
		if r, g, b, _ := img.At(5, 700).RGBA(); r>>8 != 255 || g>>8 != 255 || b>>8 != 255 {
			t.Errorf("the veil is still there: %d %d %d", r>>8, g>>8, b>>8)
		}
	}
}

// TestShoot_otherDocuments: plain text can be pictured. For documents that a browser does not show, and for pages that cannot be loaded,
// the error is a sentence.
func TestShoot_otherDocuments(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	w.shoot(s, "text", page.ShotRequest{URL: "/changes.txt"})
	w.site.Handle("/manual.pdf", pdf)
	elsewhere := strings.Replace(w.site.URL("/app/"), "127.0.0.1", "127.0.0.2", 1)
	w.site.Handle("/moved.html", func(rw http.ResponseWriter, r *http.Request) { http.Redirect(rw, r, elsewhere, http.StatusFound) })
	for path, want := range map[string]research.Outcome{"/moved.html": research.OutcomePolicy, "/status/404": research.OutcomeNotFound, "/private/secret.html": research.OutcomeRobots, "/manual.pdf": research.OutcomeOK} {
		_, err := s.Shoot(w.ctx(), page.ShotRequest{URL: w.site.URL(path)})
		var told *page.ShotError
		if !errors.As(err, &told) || told.Outcome != want || told.Message == "" {
			t.Errorf("%s: %v", path, err)
		}
	}
	if n := w.site.Count("/app/"); n != 0 {
		t.Errorf("the page on another site was requested %d times", n)
	}
}

// TestShoot_noBrowser: if Chromium cannot be started, there are no pictures, and pages are read over HTTP.
func TestShoot_noBrowser(t *testing.T) {
	w := newWorld(t, func(c *browser.Config) { c.At = "/bin/false" })
	s := w.open(page.Policy{})
	v := w.loadIn(s, "/app/static.html")
	says(t, v, "85 degrees")
	if v.Rendered || v.Note == "" {
		t.Errorf("rendered %v, note %q", v.Rendered, v.Note)
	}
	if _, err := s.Shoot(w.ctx(), page.ShotRequest{URL: w.site.URL("/app/static.html")}); !errors.Is(err, page.ErrNoBrowser) {
		t.Errorf("error %v", err)
	}
	if ok, detail := w.Status(); ok || detail == "" {
		t.Errorf("status %v %q", ok, detail)
	}
}
