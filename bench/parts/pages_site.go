package parts

import (
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// The text of a page's last paragraph, and the text that its script writes.
const (
	closingSentence = "This is the end of the chapter."
	scriptSentence  = "The script of this page has run to its end."
)

// manualPage serves pages like those of manuals, of 30 to 60 KB, all different: navigation, and sections of prose with a code block, a table and
// links each. Pages below /script/ have a script that writes a paragraph.
func manualPage(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(path.Base(r.URL.Path))
	if err != nil { // a request for robots.txt or an icon
		http.NotFound(w, r)
		return
	}
	var s strings.Builder
	fmt.Fprintf(&s, "<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>Chapter %d – Manual</title></head><body><nav><ul>", n)
	for i := range 40 {
		fmt.Fprintf(&s, "<li><a href=\"%d\">Chapter %d of the manual</a></li>", n+i, n+i)
	}
	fmt.Fprintf(&s, "</ul></nav><main><article><h1>Chapter %d</h1>", n)
	for section := range 16 + n%16 {
		manualSection(&s, n, section)
	}
	s.WriteString("<p>" + closingSentence + " What follows in the manual is another matter, and has a chapter of its own.</p>")
	if strings.HasPrefix(r.URL.Path, "/script/") {
		s.WriteString("<p id=late></p><script>document.getElementById('late').textContent = '" +
			strings.Replace(scriptSentence, "script", "scr' + 'ipt", 1) + "'</script>")
	}
	s.WriteString("</article></main><footer>Manual, all rights reserved</footer></body></html>")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = io.WriteString(w, s.String())
}

func manualSection(s *strings.Builder, chapter, section int) {
	fmt.Fprintf(s, "<section><h2 id=s%d>%d.%d. Setting number %d</h2>", section, chapter, section, section)
	for i := range 4 {
		fmt.Fprintf(s, "<p>The parameter <code>setting_%d_%d</code> says how much memory, in kilobytes, a server process may take for part %d of "+
			"its work before it writes to temporary files, see <a href=\"%d\">chapter %d</a>. The default is %d, which is sensible for most machines; "+
			"raise it where large sorts are common, and only as far as the memory of the machine allows.</p>",
			chapter, section, i, chapter+i, chapter+i, 64<<i)
	}
	fmt.Fprintf(s, "<pre><code>SET setting_%d_%d = %d;\nSHOW setting_%d_%d;</code></pre><table><tr><th>Name</th><th>Value</th></tr>",
		chapter, section, section, chapter, section)
	for i := range 3 {
		fmt.Fprintf(s, "<tr><td>setting_%d_%d_%d</td><td>%d kB</td></tr>", chapter, section, i, 64<<i)
	}
	s.WriteString("</table></section>")
}
