package page

import (
	"net/http"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/unicode/norm"
)

// TestVariants reads pages of many styles. has are texts that the result must contain, lacks are texts that it must not contain, and links are
// the ends of addresses that must be found.
func TestVariants(t *testing.T) {
	t.Parallel()
	prose := strings.Repeat("<p>The museum was opened by the town in the last century, and its rooms have been renewed twice since that time.</p>\n", 5)
	utf16, _ := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String("<!DOCTYPE html><title>Höhe</title><p>Die Höhe beträgt zwölf Meter.")
	sjis, _ := japanese.ShiftJIS.NewEncoder().String(`<html><head><meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS"><title>料金</title></head><body><p>大人の入浴料は六百五十円です。</p></body></html>`)
	cp1252, _ := charmap.Windows1252.NewEncoder().String("<title>Fees</title><p>The “small” boat costs €9 – or 8 with a card…</p>")
	for name, tt := range map[string]struct {
		contentType, path, body string
		has, lacks              []string
		links                   []string
	}{
		"aspnet form": {"text/html", "x", `<html><body><form id="aspnetForm" method="post" action="x"><input type="hidden" name="__VIEWSTATE" value="abc"><div id="nav"><a href="/a">Home</a> <a href="/b">News</a></div><div id="content"><h1>Permits</h1>` + prose + `<p>A permit costs 48 crowns a year.</p></div><div id="foot"><a href="/c">Contact</a></div></form></body></html>`,
			[]string{"# Permits", "A permit costs 48 crowns a year."}, []string{"VIEWSTATE", "abc"}, nil},
		"table layout": {"text/html", "x", `<html><body><table width="100%"><tr><td colspan=2><img src=logo.gif alt="Club"></td></tr><tr><td width=150 valign=top><table><tr><td><a href=a>Home</a></td></tr><tr><td><a href=b>Boats</a></td></tr><tr><td><a href=c>Links</a></td></tr></table></td><td valign=top><font size=5>The regatta</font><p>` + strings.Repeat("The regatta takes place on the lake each year. ", 8) + `<p>The start is at 10:40 at the old pier.<table border=1><tr><td>Class</td><td>Laps</td></tr><tr><td>Optimist</td><td>3</td></tr></table></td></tr></table></body></html>`,
			[]string{"The start is at 10:40 at the old pier.", "| Optimist | 3 |"}, []string{"| The regatta"}, nil},
		"phpBB": {"text/html", "x", `<body><div id="page-header"><ul class="nav"><li><a href=i>Board index</a></ul></div><div id="page-body"><h2>Valve stuck</h2>` +
			`<div class="post bg1"><div class="postbody"><p class="author">by <strong>ann</strong> » 3 May</p><div class="content">The left valve of my kettle is stuck since Monday. What can I do?</div><div class="signature">My other kettle is a boat</div></div></div>` +
			`<div class="post bg2"><div class="postbody"><p class="author">by <strong>bob</strong> » 4 May</p><div class="content">Turn the brass ring by 30 degrees and pull.</div></div></div></div></body>`,
			[]string{"The left valve of my kettle is stuck", "Turn the brass ring by 30 degrees and pull."}, nil, nil},
		"recipe": {"text/html", "x", `<article><h1>Soup</h1>` + prose + `<aside class="recipe-card"><h2>Ingredients</h2><ul class="ingredients"><li>2 kg of leeks</li><li>½ l of stock</li></ul><ol><li>Cut them.</li></ol></aside><div class="related-posts"><h3>You may also like</h3><ul><li><a href=a>Bread</a><li><a href=b>Beans</a></ul></div></article>`,
			[]string{"- 2 kg of leeks", "½ l of stock"}, []string{"Bread"}, nil},
		"see also is content": {"text/html", "x", `<main><h1>Heron</h1>` + prose + `<h2>See also</h2><ul><li><a href="/wiki/Egret">Egret</a></li><li><a href="/wiki/Stork">Stork</a></li></ul><h2>References</h2><ol class="references"><li id="cite_note-1"><span class="mw-cite-backlink"><b><a href="#cite_ref-1">^</a></b></span> <span class="reference-text">Smith, Birds of the Coast, 1931, p. 12.</span></li></ol></main>`,
			[]string{"Smith, Birds of the Coast, 1931, p. 12."}, nil, []string{"/wiki/Egret"}},
		"infobox": {"text/html", "x", `<main><table class="infobox"><caption>Ostrow</caption><tbody><tr><th colspan="2">Town</th></tr><tr><th scope="row">Population <span style="display:none">(hidden)</span></th><td>12,400<sup class="reference"><a href="#n1">[1]</a></sup></td></tr><tr><th scope="row">Twin towns</th><td><div class="plainlist"><ul><li>Lund</li><li>Brno</li></ul></div></td></tr></tbody></table><p><b>Ostrow</b> is a town.</p>` + prose + `</main>`,
			[]string{"| Population | 12,400", "| Twin towns | Lund; Brno |"}, []string{"hidden"}, nil},
		"tfoot first": {"text/html", "x", `<table><caption>Fares</caption><thead><tr><th>Line<th>Fare</thead><tfoot><tr><td>All<td>9</tfoot><tbody><tr><td>North<td>4</tbody></table>`,
			[]string{"| North | 4 |\n| All | 9 |", "Fares"}, nil, nil},
		"div in dl": {"text/html", "x", `<dl><div><dt>Weight</dt><dd>900 g</dd></div><div><dt>Volume</dt><dd>1.7 l</dd><dd>1.5 l when descaling</dd></div></dl>`,
			[]string{"Weight\n\n 900 g", "Volume\n\n 1.7 l\n\n 1.5 l when descaling"}, nil, nil},
		"prism": {"text/html", "x", `<p>Run:</p><pre class="line-numbers language-sh"><code class="language-sh">brook start
brook status<span aria-hidden="true" class="line-numbers-rows"><span></span><span></span></span></code></pre><div class="toolbar"><button>Copy</button></div><table class="hljs-ln"><tr><td class="hljs-ln-line hljs-ln-numbers" data-line-number="1"><div class="hljs-ln-n" data-line-number="1"></div></td><td class="hljs-ln-line hljs-ln-code">port = 7070</td></tr></table>`,
			[]string{"brook start\nbrook status", "port = 7070"}, []string{"Copy", "| port"}, nil},
		"feature table": {"text/html", "x", `<table><tr><th>Plan<th>Export<th>Import</tr><tr><td>Free<td><img src=n.png alt="No"><td><span class="icon" role="img" aria-label="Yes"></span></tr><tr><td>Plus<td><svg role="img" aria-label="Yes"><path d=""/></svg><td><i class="fa fa-check" title="Yes"></i></tr></table>`,
			[]string{"| Free | No | Yes |", "| Plus | Yes | Yes |"}, nil, nil},
		"task list": {"text/html", "x", `<ul class="contains-task-list"><li class="task-list-item"><input type="checkbox" checked disabled> Valve tightened</li><li class="task-list-item"><input type="checkbox" disabled> Lid cleaned</li></ul>`,
			[]string{"[x] Valve tightened", "[ ] Lid cleaned"}, nil, nil},
		"katex": {"text/html", "x", `<p>The area is <span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>π</mi><msup><mi>r</mi><mn>2</mn></msup></mrow><annotation encoding="application/x-tex">\pi r^2</annotation></semantics></math></span><span class="katex-html" aria-hidden="true"><span class="base"><span class="mord">π</span><span class="mord">r<span class="vlist">2</span></span></span></span></span> here.</p>`,
			[]string{`The area is \pi r^2 here.`}, nil, nil},
		"list numbers": {"text/html", "x", `<ol start="4"><li>Four<li value="9">Nine<li>Ten</ol><ol reversed><li>Two<li>One</ol><ol type="a"><li>First<li>Second</ol>`,
			[]string{"4. Four\n9. Nine\n10. Ten", "2. Two\n1. One", "a. First\nb. Second"}, nil, nil},
		"bootstrap accordion": {"text/html", "x", `<link rel=stylesheet href=b.css><div class="accordion"><h2 class="accordion-header"><button class="accordion-button collapsed" data-bs-toggle="collapse" data-bs-target="#c1">How do I reset it?</button></h2><div id="c1" class="accordion-collapse collapse"><div class="accordion-body">Hold the key for 5 seconds.</div></div></div>`,
			[]string{"How do I reset it?", "Hold the key for 5 seconds."}, nil, nil},
		"read more": {"text/html", "x", prose + `<p>The bridge is closed<span id="dots">...</span><span id="more" style="display:none"> from 3 to 9 June for repairs.</span></p><button onclick="toggleMore()">Read more</button><script>function toggleMore(){var m=document.getElementById("more");m.style.display=m.style.display==="none"?"inline":"none"}</script>`,
			[]string{"from 3 to 9 June for repairs."}, nil, nil},
		"injections": {"text/html", "x", prose + `<p style="position:absolute;left:-9999px">EVIL1</p><p style="font-size:0">EVIL2</p><p style="color:rgba(0,0,0,0)">EVIL3</p><div style="height:0;overflow:hidden">EVIL4</div><div style="max-height:0; overflow:hidden">EVIL5</div><p style="filter:opacity(0)">EVIL6</p><p style="-webkit-text-fill-color:transparent">EVIL7</p><p style="clip-path:polygon(0 0,0 0,0 0)">EVIL8</p><p style="zoom:0.01">EVIL9</p><p style="transform:scale(0.001)">EVILA</p><p style="visibility:hidden">EVILB</p><div style="width:0;height:0;overflow:hidden"><p>EVILC</p></div><p style="text-indent:-9999px">EVILD</p><div hidden>EVILE</div><p style="color:#fefefe">EVILF</p><!-- EVILG --><p style="opacity:0.01">EVILH</p><p style="position:fixed;top:-1000px">EVILI</p><p style="font-size:0.1px">EVILJ</p><p style="margin-left:-10000px">EVILK</p><p style="color:hsl(0,0%,100%)">EVILL</p><p style="color:white;background:white">EVILM</p><p style="content-visibility:hidden">EVILN</p><template>EVILO</template><p style="display:none !important">EVILP</p>`,
			[]string{"museum was opened"}, []string{"EVIL"}, nil},
		"UTF-16":             {"text/html", "x", utf16, []string{"Die Höhe beträgt zwölf Meter."}, nil, nil},
		"Shift_JIS":          {"text/html", "x", sjis, []string{"大人の入浴料は六百五十円です。"}, nil, nil},
		"windows as latin":   {"text/html; charset=iso-8859-1", "x", cp1252, []string{"The “small” boat costs €9 – or 8 with a card…"}, nil, nil},
		"csv with BOM":       {"application/octet-stream", "fares.csv", "\xEF\xBB\xBFLine;Fare\r\nNorth;\"4,50\"\r\n", []string{"| North | 4,50 |"}, []string{"\xEF\xBB\xBF"}, nil},
		"restructured text":  {"text/plain", "x.rst", "Valve\n=====\n\n.. warning:: Data is lost.\n\nTurn it *slowly*.\n", []string{"Turn it *slowly*."}, nil, nil},
		"decomposed":         {"text/html; charset=utf-8", "x", norm.NFD.String("<p>Die Mühle ist zwölf Ellen groß, l'été aussi."), []string{"Die Mühle ist zwölf Ellen groß, l'été aussi."}, nil, nil},
		"addresses of links": {"text/html; charset=utf-8", "x", "<base href='/deep/'><p><a href=' \n up.html '>up</a> <a href='?q=ü'>q</a> <a href='a b.html'>ab</a> <a href='javascript:x()'>js</a> <a href='//b.example\\x'>bs</a> <map><area href=area.html alt=Area></map> <a href='HTTP://A.EXAMPLE:80/%7ej'>j</a></p>", nil, nil, []string{"/deep/up.html", "/deep/?q=%C3%BC", "/deep/a%20b.html", "//b.example/x", "/deep/area.html", "http://a.example/%7ej"}},
		"comments are longer": {"text/html", "x", `<article class="post"><h1>Lock closed</h1><p>The lock at Ostrow is closed until 9 June.</p></article><section id="comments" class="comments-area"><h2>12 comments</h2>` + strings.Repeat(`<article class="comment"><footer>Ann says:</footer><p>I have to say that this is the third time this year that the lock is closed and nobody tells us why.</p></article>`, 12) + `<form><textarea></textarea></form></section>`,
			[]string{"The lock at Ostrow is closed until 9 June."}, nil, nil},
		"hours in the footer": {"text/html", "x", `<header><a href=a>Home</a></header><main><h1>Museum</h1><p>Welcome to our museum.</p></main><footer><h3>Opening hours</h3><p>Tuesday to Sunday, 10:00 to 17:30</p><p>Mill Lane 4, Ostrow</p><p>© 2031 Museum. All rights reserved.</p></footer>`,
			[]string{"Tuesday to Sunday, 10:00 to 17:30"}, nil, nil},
		"price": {"text/html", "x", `<main><h1>Kettle</h1><p class="price"><del aria-hidden="true"><span>£49.00</span></del> <span class="screen-reader-text" style="position:absolute;clip:rect(1px,1px,1px,1px)">Original price was: £49.00.</span><ins><span>£39.00</span></ins></p>` + prose + `</main>`,
			[]string{"£39.00", "~~£49.00~~"}, nil, nil},
		"details in a row": {"text/html", "x", `<main>` + prose + `<details class="faq"><summary><h3>May I bring a dog?</h3></summary><div class="answer"><p>Yes, on a lead.</p></div></details></main>`, []string{"May I bring a dog?", "Yes, on a lead."}, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, _ := pageURL.Parse(tt.path)
			reader := NewInProcess("")
			defer reader.Close()
			r, err := reader.Read(t.Context(), u, http.Header{"Content-Type": {tt.contentType}}, []byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			bad := false
			for _, want := range tt.has {
				if !strings.Contains(r.Page.Text, want) {
					bad = true
					t.Errorf("without %q", want)
				}
			}
			for _, not := range tt.lacks {
				if i := strings.Index(r.Page.Text, not); i >= 0 {
					bad = true
					t.Errorf("with %q", r.Page.Text[i:min(len(r.Page.Text), i+10)])
				}
			}
			for _, end := range tt.links {
				found := false
				for _, l := range r.Links {
					found = found || strings.HasSuffix(l.URL, end)
				}
				if !found {
					bad = true
					t.Errorf("no link %q in %+v", end, r.Links)
				}
			}
			if bad {
				t.Logf("%s\n%s", r.Note, r.Page.Text)
			}
		})
	}
}
