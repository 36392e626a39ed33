package browser_test

import (
	"fmt"
	"html"
	"net/http"
	"slices"
	"strings"
	"testing"

	"legwork/internal/page"
	"legwork/internal/page/browser"
	"legwork/internal/research"
)

// asRead shows the text of a visit and nothing else.
func asRead(v research.Visit) ([]byte, error) {
	return []byte("<!DOCTYPE html><title>not the title of the document</title><pre>" + html.EscapeString(v.Page.Text) + "</pre>"), nil
}

// TestShoot_documentsAsTheyWereRead: documents that a browser shows as source are pictured as they were read, because a passage may not be
// in the source in this form.
func TestShoot_documentsAsTheyWereRead(t *testing.T) {
	w := newWorld(t, func(c *browser.Config) { c.Readable = asRead })
	far := strings.Repeat("filler,1\n", 300)
	for path, doc := range map[string]struct{ contentType, body, quote string }{
		"/a.json": {"application/json", `{"list":[` + strings.Repeat(`"filler",`, 200) + `{"name":"M\u00fchle","note":"Gr\u00f6\u00dfe zw\u00f6lf"}]}`, "name: Mühle\n    note: Größe zwölf"},
		"/a.csv":  {"text/csv", "name,height\n" + far + "\"Dam \"\"old\"\"\",31\n", `| Dam "old" | 31 |`},
		"/a.md":   {"text/markdown", "# Title\n\n" + strings.Repeat("Filler.\n\n", 300) + "Turn the [left](http://a.example/long/way) valve, **never** the [right](http://a.example/) one.\n", "Turn the left valve, never the right one."},
		"/a.rss":  {"application/rss+xml", `<rss version="2.0"><channel><title>News</title><item><title>Frost</title><description>&lt;p&gt;Fans &lt;b&gt;will&lt;/b&gt; run &lt;a href="/all/night/long"&gt;all night&lt;/a&gt; at the weir.&lt;/p&gt;</description></item></channel></rss>`, "Fans will run all night at the weir."},
	} {
		w.site.Handle(path, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set("Content-Type", doc.contentType)
			fmt.Fprint(rw, doc.body)
		})
		s := w.open(page.Policy{})
		v := w.loadIn(s, path)
		says(t, v, strings.Split(doc.quote, "\n")[0])
		shot, img := w.shoot(s, "as-read"+strings.ReplaceAll(path, "/", "-"), page.ShotRequest{URL: path, Quotes: []string{doc.quote}})
		if !slices.Equal(shot.Shown, []bool{true}) || marked(img) < 200 || shot.Title != v.Title {
			t.Errorf("%s: shown %v, %d marked pixels, title %q", path, shot.Shown, marked(img), shot.Title)
		}
	}
}

// TestShoot_wide: if a passage is at the right end of a wide table, or of a page wider than the screen, the picture shows it.
func TestShoot_wide(t *testing.T) {
	w := newWorld(t)
	s := w.open(page.Policy{})
	var cells strings.Builder
	for i := range 60 {
		fmt.Fprintf(&cells, "<td style='min-width:90px'>Value %d of row</td>", i)
	}
	w.site.Page("/box.html", "<!DOCTYPE html><title>Box</title><div style='overflow-x:auto;width:600px'><table><tr>"+cells.String()+"</tr></table></div>")
	w.site.Page("/wide.html", "<!DOCTYPE html><title>Wide</title><table><tr>"+cells.String()+"</tr></table>")
	for _, path := range []string{"/box.html", "/wide.html"} {
		shot, img := w.shoot(s, "wide"+strings.ReplaceAll(path, "/", "-"), page.ShotRequest{URL: path, Quotes: []string{"Value 47 of row"}})
		if !shot.Shown[0] || marked(img) < 100 {
			t.Errorf("%s: shown %v, %d marked pixels", path, shot.Shown, marked(img))
		}
	}
}
