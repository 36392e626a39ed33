package reading

import (
	"strings"
	"testing"
)

// TestNoise reads pages that each have one kind of noise, or content that looks like noise. og marks a page as an article.
func TestNoise(t *testing.T) {
	t.Parallel()
	const og = `<meta property="og:type" content="article">`
	prose := strings.Repeat("<p>The quay was built of oak in the last century, and its piles have been replaced twice since the flood.</p>", 5)
	for name, tt := range map[string]struct {
		html       string
		has, lacks []string
	}{
		"contents that lead within the page": {`<main><h1>Quay</h1><div class=x><b>Inhalt</b><ul><li><a href="#a">Bau des Kais</a><li><a href="#b">Brand im Lager</a><li><a href="#c">Heute</a></ul></div>` + prose + `</main>`,
			[]string{"built of oak"}, []string{"Bau des Kais", "Inhalt"}},
		"contents with a heading beside": {`<main><h1>Quay</h1><h2>Dans cet article</h2><ol><li><a href="#a">Le quai</a><li><a href="#b">Le feu</a></ol>` + prose + `</main>`,
			[]string{"built of oak"}, []string{"Le quai", "Dans cet article"}},
		"links to pages below are no such contents": {`<main><h1>Manual</h1>` + prose + `<h2>Contents</h2><ul><li><a href="a.html">Mooring</a>: how to tie up at low water, with every knot.<li><a href="b.html">Fees</a>: what each berth costs in summer and winter.</ul></main>`,
			[]string{"how to tie up", "what each berth"}, nil},
		"the chapters of a book are pages": {`<main><h1>Part II</h1>` + prose + `<p><b>Table of Contents</b></p><ul><li><a href="a.html">Mooring</a><li><a href="b.html">Fees</a><li><a href="c.html">Tides</a></ul><p>Each of them stands alone, and is short.</p></main>`,
			[]string{"Mooring", "Table of Contents"}, nil},
		"routes are no places in the page": {`<main><h1>Manual</h1>` + prose + `<ul><li><a href="#/mooring">Mooring</a><li><a href="#/fees">Fees</a><li><a href="#/tides">Tides</a></ul><p>The list above leads to every chapter of it.</p></main>`,
			[]string{"Mooring"}, nil},
		"notes with ways back": {`<article><h1>Quay</h1>` + prose + `<ol><li id=fn1><a href="#r1">↑</a> Harbour book, page 9.<li id=fn2><a href="#r2">↑</a> Same, page 12.<li id=fn3><a href="#r3">↑</a> Ibid.</ol></article>`,
			[]string{"Harbour book, page 9."}, nil},
		"label above the title": {og + `<article><div><a href=/t>Transport</a></div><div>Long read</div><h1>The quay</h1>` + prose + `</article>`,
			[]string{"# The quay"}, []string{"Transport", "Long read"}},
		"date above the title stays, the title stands once": {og + `<article><p>4 June 2031</p><h1>The quay</h1>` + prose + `</article>`,
			[]string{"4 June 2031\n\n# The quay"}, []string{"# The quay\n\n4 June"}},
		"one line of who and when": {og + `<article><h1>The quay</h1><div class=byline><div>Von Jo Ek</div><div><a href=/jo>@joek</a></div><div class=readtime>5 Minuten</div></div>` + prose + `</article>`,
			[]string{"Von Jo Ek"}, []string{"@joek", "5 Minuten"}},
		"a standfirst is no byline": {og + `<article><h1>The quay</h1><div class=standfirst>Why oak still holds where concrete failed</div>` + prose + `</article>`,
			[]string{"Why oak still holds"}, nil},
		"row of links at the end":     {`<div><h1>Quay</h1>` + prose + `<p><a href=1>Zurück zur Übersicht</a> <a href=2>Weiter: Der Kran</a></p></div>`, []string{"built of oak"}, []string{"Der Kran"}},
		"labels and next article":     {og + `<article><h1>Quay</h1>` + prose + `<div>Siguiente <a href=2>La grúa del puerto</a></div><p>Etiquetas: puerto, madera</p></article>`, nil, []string{"La grúa", "Etiquetas"}},
		"reprint and share lines":     {og + `<article><h1>Quay</h1>` + prose + `<p>Originally published in Harbour News. Reprinted with permission.</p><p>Поделиться в сети</p><p>分享到微信</p></article>`, nil, []string{"Reprinted", "Поделиться", "分享"}},
		"sources at the end stay":     {og + `<article><h1>Quay</h1>` + prose + `<h2>Quellen</h2><ul><li><a href=1>Hafenbuch 1894</a><li><a href=2>Brandbericht</a></ul></article>`, []string{"Hafenbuch 1894", "Brandbericht"}, nil},
		"a link that a text leads to": {`<div><h1>Drivers</h1>` + prose + `<p>Drivers are listed there. The list:</p><p><a href=1>All drivers</a></p></div>`, []string{"All drivers"}, nil},
		"an address is no label":      {`<div><h1>Drivers</h1>` + prose + `<p><a href=1>https://wiki.example/drivers</a></p></div>`, []string{"https://wiki.example/drivers"}, nil},
		"a section of links stays":    {`<main><h1>Install</h1>` + prose + `<h2>Packages for Debian</h2><ul><li><a href=1>quay_1.2_amd64.deb</a><li><a href=2>quay_1.2_arm64.deb</a></ul></main>`, []string{"quay_1.2_arm64.deb"}, nil},
		"last lines of a poem":        {og + `<article><h1>Quay</h1>` + prose + `<p>only the light</p><p>letting go</p></article>`, []string{"letting go"}, nil},
		"numbers at the end":          {og + `<article><h1>Quay</h1>` + prose + `<table><tr><th>Length<th>Depth<tr><td>120 m<td>4 m</table><p>Contact: +46 31 000</p></article>`, []string{"120 m", "+46 31"}, nil},
		"cards of other articles": {og + `<article><h1>Quay</h1>` + prose + `<div class=grid><div class=k><img src=1><h4><a href=1>Crane falls into the basin</a></h4><p>Nobody was hurt.</p></div><div class=k><img src=1><h4><a href=2>Ferry fares to rise</a></h4><p>From May.</p></div><div class=k><img src=1><h4><a href=3>Seal in the lock</a></h4><p>It left.</p></div></div><p>The harbour master retired in spring, and his boat was sold to the museum.</p></article>`,
			[]string{"The harbour master retired"}, []string{"Crane falls", "Seal in the lock"}},
		"cards are the content of a directory": {`<main><h1>Harbours</h1><div class=k><h4><a href=1>Oster</a></h4><p>Four metres deep at low water.</p></div><div class=k><h4><a href=2>Wester</a></h4><p>Two metres, and silting up.</p></div><div class=k><h4><a href=3>Norder</a></h4><p>Ice until April.</p></div></main>`,
			[]string{"Four metres", "Wester", "Ice until April."}, nil},
		"class ad": {`<div class=story-body><h1>Quay</h1>` + prose + `<div class="ad ad--inline"><p>Half price on garden chairs.</p></div>` + prose + `</div>`, nil, []string{"garden chairs"}},
		"class ad around prose": {`<div><h1>Boats for sale</h1>` + prose + `<div class="ad"><p>Oak dinghy of 1961, clinker built. She was caulked last year and lies at Oster. Her sails are new and the mast is spruce.</p></div></div>`,
			[]string{"Oak dinghy"}, nil},
		"our sponsors": {`<main><h1>Episode 9</h1>` + prose + `<h3>Our sponsors</h3><p>This episode is brought to you by a mattress. Use the code OAK.</p></main>`, nil, []string{"mattress"}},
		"comments of nobody's article": {`<main><h1>Lock gate stuck</h1><div class="item-comment"><h3>ann wrote</h3><div class="comment-body"><p>The gate sticks at half tide since the storm.</p></div></div><div class="item-comment"><h3>bo wrote</h3><div class="comment-body"><p>Fixed. It was the chain.</p></div></div></main>`,
			[]string{"sticks at half tide", "Fixed. It was the chain."}, nil},
		"comments below an article": {`<div class=entry-content><h1>Quay</h1>` + prose + `</div><div id=comments><h3>2 comments</h3><div class=comment><p>Great post, I love it. Thank you so much!</p></div><div class=comment><p>Me too.</p></div></div>`, []string{"built of oak"}, []string{"Great post"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _ := fromHTML(t, tt.html)
			for _, want := range tt.has {
				if !strings.Contains(p.Text, want) {
					t.Errorf("%q is missing in\n%s", want, p.Text)
				}
			}
			for _, unwanted := range tt.lacks {
				if strings.Contains(p.Text, unwanted) {
					t.Errorf("%q stands in\n%s", unwanted, p.Text)
				}
			}
		})
	}
}
