package browser_test

import (
	"errors"
	"image"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"

	"legwork/internal/page"
	"legwork/internal/page/browser"
	"legwork/internal/research"
)

// farBelow returns a page on which body stands far below the first screen. The first paragraph is so long that it is a passage of its own.
func farBelow(body string) string {
	const far = `<div style="height:1500px"></div>`
	return `<!DOCTYPE html><html lang="en"><title>Kestrel</title><main><h1>Kestrel</h1><p>This page is about the Kestrel, which is a kettle for the kitchen and for
		the office. What the other passages of this page say stands far below, so that it is seen only after the page was scrolled down.</p>` + far + body + far + `</main></html>`
}

// everyPassage reads a page and takes a picture for each of its passages, as for citations. Each picture must show its passage and mark it.
func (w *world) everyPassage(name, path string) []image.Image {
	w.t.Helper()
	s := w.open(page.Policy{})
	v := w.loadIn(s, path)
	says(w.t, v)
	text := []rune(v.Page.Text)
	var all []image.Image
	for _, p := range v.Page.Passages {
		quote := string(text[p.Start:p.End])
		around := [2]string{string(text[max(0, p.Start-100):p.Start]), string(text[p.End:min(len(text), p.End+100)])}
		shot, img := w.shoot(s, name, page.ShotRequest{URL: path, Quotes: []string{quote}, Around: [][2]string{around}})
		if !shot.Shown[0] || marked(img) < 100 {
			w.t.Errorf("%s: shown %v, %d marked pixels:\n%s", name, shot.Shown[0], marked(img), quote)
		}
		all = append(all, img)
	}
	if len(all) == 0 {
		w.t.Errorf("%s: no passages", name)
	}
	return all
}

// TestShoot_everyPassage: whatever the text of a passage has that the page does not show, or the page shows that the text does not have,
// the picture shows the passage.
func TestShoot_everyPassage(t *testing.T) {
	w := newWorld(t)
	for name, body := range map[string]string{
		"numbered list": `<p>How to descale the Kestrel:</p><ol><li>Fill it to the mark.</li><li>Add 30 grams of acid.</li><li>Wait for half an hour.</li><li>Rinse it twice.</li></ol>`,
		"numbered notes": `<p>Notes on the operations:</p><ol style="list-style:lower-roman"><li><p>If the lid is open, the kettle does not heat.</p><p>It beeps.</p></li>
			<li><p>It is exact, and cannot overflow.</p></li><li><p>In other words, it stops.</p><ul><li>at 100 degrees,</li><li>when it is empty.</li></ul></li></ol>`,
		"cells of several rows": `<table><tr><th>Part</th><th>Place</th><th>Torque</th></tr><tr><td rowspan=4>Screw of the lid</td><td>left</td><td>5 Nm</td></tr>
			<tr><td>right</td><td>6 Nm</td></tr><tr><td>front</td><td>7 Nm</td></tr><tr><td>back</td><td>8 Nm</td></tr></table>`,
		"line numbers": `<table class="highlighttable"><tr><td class="linenos"><pre>1
2
3
4</pre></td><td class="code"><pre>for port in ports:
    open(port)
    if port.deep:
        close(port)</pre></td></tr></table>`,
		"numbers in the lines": `<pre>` + strings.Repeat(`<span class="line"><span class="lineno" data-n="1">1</span> valve.open(left, slowly)</span>
<span class="line"><span class="lineno">2</span> end</span>
`, 3) + `</pre>`,
		"buttons between": `<p>The Kestrel heats a litre of water in three minutes.</p><div class="share"><button>Share</button> <button>Copy link</button></div><p>It holds 1.7 litres.</p>
			<h3>Care <a class="headerlink" href="#care">¶</a><span class="mw-editsection">[<a href="/edit">edit</a>]</span></h3><p>Never use bleach<sup><a href="#fn1">[1]</a></sup> for the <del>old</del> lid.</p>`,
		"definitions": `<dl><dt id="a"><code>kestrel.open</code>(<em>lid</em>, /)<a class="headerlink" href="#a">¶</a></dt><dd><p>Opens the lid.</p><dl class="field-list"><dt>Parameters</dt>
			<dd><ul><li><strong>lid</strong> – which one.</li></ul></dd><dt>Returns</dt><dd><p>nothing</p></dd></dl></dd></dl>`,
		"ruby":            `<p>この<ruby>湯沸<rp>(</rp><rt>ゆわ</rt><rp>)</rp></ruby>かしの<ruby>容量<rt>ようりょう</rt></ruby>は一・七リットルです。<ruby>蓋<rt>ふた</rt></ruby>を開けてください。</p>`,
		"inside a clause": `<p>大人の入浴料は<b>六百五十円</b>です。子供は無料です。</p>`,
		"formula":         `<p>The time is <math><semantics><mfrac><mi>m</mi><mi>P</mi></mfrac><annotation encoding="application/x-tex">\frac{m}{P}</annotation></semantics></math> where the mass is in kilograms and the power is in watts.</p>`,
		"accents apart":   `<p>` + norm.NFD.String("Die Größe der Mühle ist zwölf Ellen; l'été, le château est fermé à cause de la pluie.") + `</p><p>` + norm.NFD.String("Nước sôi ở một trăm độ.") + `</p>`,
		"soft hyphens":    `<p>The regu&shy;la&shy;tor of the ket&shy;tle clicks twice be&shy;fore it boils.</p>`,
		"capitals":        `<p style="text-transform:uppercase">The spout of the Kestrel pours slowly.</p><p>ΟΔΥΣΣΕΥΣ ΚΑΙ ΣΟΦΟΣ</p>`,
		"right to left":   `<p dir="rtl">سعة الغلاية لتر واحد وسبعة أعشار اللتر</p>`,
		"details":         `<details><summary>How large is it?</summary><p>The Kestrel holds 1.7 litres of water.</p></details>`,
		"frame":           `<iframe width="600" height="300" srcdoc="<div style='height:900px'></div><p>The base of the Kestrel stays below 40 degrees.</p>"></iframe>`,
		"shadow root":     `<div><template shadowrootmode="open"><p>The handle of the Kestrel is made of beech.</p><slot></slot></template><p>And of oak at its end.</p></div>`,
		"sticky head": `<style>thead th{position:sticky;top:0;background:#eee}</style><div style="position:fixed;top:0;left:0;right:0;height:300px;background:#ddd">head</div>
			<table><thead><tr><th>Part</th><th>Torque</th></tr></thead><tbody>` + strings.Repeat(`<tr><td>Screw of the lid at the left side</td><td>5 Nm</td></tr>`, 12) + `</tbody></table>`,
		"low box":          `<div style="height:70px;overflow:auto;width:500px"><div style="height:400px"></div><pre>` + strings.Repeat("valve.open(left, slowly)\n", 14) + `</pre><div style="height:400px"></div></div>`,
		"wide rows":        `<div style="overflow-x:auto;width:500px"><table><tr>` + strings.Repeat(`<td style="min-width:200px">A value of this row</td>`, 12) + `</tr></table></div>`,
		"long lines":       `<pre style="overflow-x:auto;width:500px">` + strings.Repeat("The log says that the kettle was filled, heated, emptied and filled again; ", 4) + `</pre>`,
		"drawn when seen":  `<style>section{content-visibility:auto;contain-intrinsic-size:auto 500px}</style>` + strings.Repeat(`<section><p>Filler of some length stands here.</p><div style="height:1500px"></div></section>`, 2) + `<section><p>The whistle of the Kestrel can be switched off.</p></section>`,
		"several columns":  `<div style="columns:3;height:200px">` + strings.Repeat(`<p>The lid opens wide.</p>`, 12) + `<p>The spout of the Kestrel is long and narrow, and it pours well even when the lid is open or it is almost empty.</p></div>`,
		"pieces of a word": `<p><span>T</span><span>he</span> <b>Kes</b>trel is <i>over</i>heated by <span>no</span><span>thing</span> at all.</p>`,
	} {
		path := "/" + strings.ReplaceAll(name, " ", "-") + ".html"
		w.site.Page(path, farBelow(body))
		w.everyPassage(strings.ReplaceAll(name, " ", "-"), path)
	}
}

// TestShoot_tabs: a picture shows a passage that a control of the page can show: a tab, a button, a text that fades in when it is scrolled to.
func TestShoot_tabs(t *testing.T) {
	w := newWorld(t)
	for name, body := range map[string]string{
		"tabs": `<div role="tablist"><button role="tab" id="t1" aria-controls="p1" aria-selected="true">Size</button><button role="tab" id="t2" aria-controls="p2">Power</button></div>
			<div role="tabpanel" id="p1" aria-labelledby="t1"><p>The Kestrel holds 1.7 litres.</p></div><div role="tabpanel" id="p2" aria-labelledby="t2" hidden><p>The Kestrel takes 2200 watts.</p></div>
			<script>for (const b of document.querySelectorAll('[role=tab]')) b.onclick = () => { for (const p of document.querySelectorAll('[role=tabpanel]')) p.hidden = p.id !== b.getAttribute('aria-controls') }</script>`,
		"tabs by class": `<style>.pane{display:none}.pane.on{display:block}</style><div role="tablist"><a role="tab" href="#one">One</a><a role="tab" href="#two">Two</a></div>
			<div class="pane on" id="one"><p>The lid opens to 85 degrees.</p></div><div class="pane" id="two"><p>The cord is 75 centimetres long.</p></div>
			<script>document.addEventListener('click', e => { const a = e.target.closest('[role=tab]'); if (!a) return; e.preventDefault();
			for (const p of document.querySelectorAll('.pane')) p.classList.toggle('on', '#' + p.id === a.getAttribute('href')) })</script>`,
		"accordion": `<h3><button aria-expanded="false">Why does it click?</button></h3><div class="panel" style="display:none"><p>The thermostat of the Kestrel opens.</p></div>
			<script>document.querySelector('button').addEventListener('click', e => setTimeout(() => { e.target.parentNode.nextElementSibling.style.display = '' }, 100))</script>`,
		"found by search": `<div hidden="until-found"><p>The fuse of the Kestrel is rated 13 amperes.</p></div>`,
		"fades in": `<style>.reveal{opacity:0;transition:opacity .4s}.reveal.seen{opacity:1}</style><div class="reveal"><p>The whistle of the Kestrel can be switched off.</p></div>
			<script>new IntersectionObserver(es => { for (const e of es) if (e.isIntersecting) e.target.classList.add('seen') }).observe(document.querySelector('.reveal'))</script>`,
	} {
		path := "/" + strings.ReplaceAll(name, " ", "-") + ".html"
		w.site.Page(path, farBelow(body))
		w.everyPassage(strings.ReplaceAll(name, " ", "-"), path)
	}
}

// TestShoot_transparent: text that stays transparent is reported as not shown.
func TestShoot_transparent(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/glass.html", `<!DOCTYPE html><title>Glass</title><p>To be seen.</p><p style="opacity:0">The secret of the Kestrel is a small magnet.</p>`)
	if shot, _ := w.shoot(w.open(page.Policy{}), "glass", page.ShotRequest{URL: "/glass.html", Quotes: []string{"The secret of the Kestrel is a small magnet."}}); shot.Shown[0] {
		t.Error("transparent text is told to be in view")
	}
}

// TestShoot_sameWords: if a page has the words of a passage at several places, the picture shows the place that the passage is from.
func TestShoot_sameWords(t *testing.T) {
	w := newWorld(t)
	var body strings.Builder
	for _, name := range []string{"lid", "base", "spout"} {
		body.WriteString(`<h2>The ` + name + `</h2><div style="height:900px"></div><p>About the ` + name + `:</p><div style="width:60px;height:60px;background:` +
			map[string]string{"lid": "#f00", "base": "#0f0", "spout": "#00f"}[name] + `"></div><p>It may be washed at 40 degrees.</p><p>End of the ` + name + `.</p>`)
	}
	w.site.Page("/same.html", `<!DOCTYPE html><title>Same</title><nav><a href="#x">It may be washed at 40 degrees.</a></nav>`+body.String()+`<div style="height:900px"></div>`)
	for _, tt := range []struct {
		around  [2]string
		r, g, b uint32 // colour of the box above the place
	}{
		{[2]string{"## The lid\n\nAbout the lid:\n\n", "\n\nEnd of the lid."}, 255, 0, 0},
		{[2]string{"## The base\n\nAbout the base:\n\n", "\n\nEnd of the base."}, 0, 255, 0},
		{[2]string{"About the spout:\n\n", ""}, 0, 0, 255},
	} {
		shot, img := w.shoot(w.open(page.Policy{}), "same", page.ShotRequest{URL: "/same.html", Quotes: []string{"It may be washed at 40 degrees."}, Around: [][2]string{tt.around}})
		n := 0
		for y := range img.Bounds().Dy() {
			if r, g, b, _ := img.At(30, y).RGBA(); r>>8 == tt.r && g>>8 == tt.g && b>>8 == tt.b {
				n++
			}
		}
		if !shot.Shown[0] || marked(img) < 100 || n < 50 {
			t.Errorf("%q: shown %v, %d marked pixels, %d rows of the box", tt.around, shot.Shown[0], marked(img), n)
		}
	}
}

// TestLargeDocuments: a document that is too large for the browser is read as the server sent it, and there is no picture of it.
func TestLargeDocuments(t *testing.T) {
	w := newWorld(t, func(c *browser.Config) { c.MaxDocument = 10_000 })
	w.site.Page("/large.html", `<!DOCTYPE html><title>Large</title><p>The Kestrel weighs 900 grams.</p><script>document.body.append('written by a script')</script>`+strings.Repeat("<p>It is a kettle.</p>", 600))
	s := w.open(page.Policy{})
	v := w.loadIn(s, "/large.html")
	says(t, v, "900 grams")
	lacks(t, v, "written by a script")
	if v.Rendered || !strings.Contains(v.Note, "too large for the browser") {
		t.Errorf("rendered %v, note %q", v.Rendered, v.Note)
	}
	_, err := s.Shoot(w.ctx(), page.ShotRequest{URL: w.site.URL("/large.html")})
	var told *page.ShotError
	if !errors.As(err, &told) || told.Outcome != research.OutcomeOK || !strings.Contains(told.Message, "too large for the browser") {
		t.Errorf("a picture of it: %v", err)
	}
	w.site.Handle("/manual-large.txt", func(rw http.ResponseWriter, _ *http.Request) {
		_, _ = rw.Write([]byte(strings.Repeat("The Kestrel. ", 2000)))
	})
	if v := w.loadIn(s, "/manual-large.txt"); v.Note != "" {
		t.Errorf("a text without scripts: note %q", v.Note)
	}
}
