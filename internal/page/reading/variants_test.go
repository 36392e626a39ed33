package reading

import (
	"strings"
	"testing"
)

// TestKinds reads small pages. Each page shows one situation that is often read wrongly. has are texts that the result must contain, lacks
// are texts that it must not contain.
func TestKinds(t *testing.T) {
	t.Parallel()
	prose := strings.Repeat("<p>The harbour was built in the last century, and its walls have been mended twice since then.</p>", 6)
	for name, tt := range map[string]struct {
		html       string
		has, lacks []string
	}{
		// Markup that carries meaning.
		"MathML without annotation": {`<p>Speed is <math><mfrac><mi>s</mi><mi>t</mi></mfrac></math> and <math><msub><mi>v</mi><mn>0</mn></msub></math>, <math><msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt></math>.`,
			[]string{"Speed is s/t and v_0, √(x + 1)."}, nil},
		"MathML alttext": {`<p>It is <math alttext="E=mc^{2}"><mi>E</mi></math>.`, []string{"It is E=mc^{2}."}, nil},
		"MathJax source": {`<p>So <span class="MathJax_Preview"></span><script type="math/tex">a^2+b^2</script> holds.`, []string{"So a^2+b^2 holds."}, nil},
		"MathJax 3":      {`<p>So <mjx-container><svg></svg><mjx-assistive-mml><math><mi>a</mi><mo>=</mo><mn>7</mn></math></mjx-assistive-mml></mjx-container> holds.`, []string{"So a = 7 holds."}, nil},
		"formula image":  {`<p>It is <img class="tex" alt="\pi r^2" src=x> wide.`, []string{`It is \pi r^2 wide.`}, nil},
		"struck out": {`<p>Costs <s>€30</s>€20, <span style="text-decoration: line-through">May 3</span> May 5, <del>ten</del><ins>nine</ins> men.`,
			[]string{"Costs ~~€30~~ €20, ~~May 3~~ May 5, ~~ten~~ nine men."}, nil},
		"powers and indices": {`<p>10<sup>-3</sup> m<sup>2</sup>, x<sup>n+1</sup>, x<sub>i</sub>, 1101<sub>2</sub>, CO<sub>2</sub>, the 1<sup>st</sup>, Brand<sup>TM</sup>`,
			[]string{"10⁻³ m², x^(n+1), x_i, 1101₂, CO2, the 1st, BrandTM"}, nil},
		"ruby with rp":      {`<p><ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp>字<rp>(</rp><rt>じ</rt><rp>)</rp></ruby>です`, []string{"漢字です"}, nil},
		"address by br":     {`<p>Mill Lane 4<br>Ostrow<br><br>Open at 9`, []string{"Mill Lane 4\nOstrow\n\nOpen at 9"}, nil},
		"time without text": {`<p>Due <time datetime="2031-05-04"></time>.`, []string{"Due 2031-05-04."}, nil},
		"details":           {`<details><summary>How long?</summary><p>Ten days.</p></details>`, []string{"How long?\n\nTen days."}, nil},
		"question button": {`<div><button aria-expanded=false>Is the pool heated?</button><div hidden><p>Yes, to 27 degrees.</p></div></div><button>Buy now</button>`,
			[]string{"Is the pool heated?\n\nYes, to 27 degrees."}, []string{"Buy now"}},
		"label and value": {`<div style="display:flex"><span>Weight</span><span>210 g</span></div><p><b class=k>Range</b><span class=v>8 km</span>`, []string{"Weight 210 g", "Range 8 km"}, nil},
		"footnotes":       {`<main>` + prose + `<footer><ol><li id="fn1">Mended in 1931.</li></ol></footer></main>`, []string{"Mended in 1931."}, nil},
		"callout":         {`<main><p>Stop it.</p><aside class="warning"><h4>Warning</h4><p>Data is lost.</p></aside><p>Start it.</p></main>`, []string{"Stop it.\n\nWarning\n\nData is lost.\n\nStart it."}, nil},
		"numbered listing": {`<table class="highlighttable"><tr><td class="linenos"><pre>1
2</pre></td><td class="code"><pre>a = 1
b = 2</pre></td></tr></table>`, []string{"a = 1\nb = 2"}, []string{"1\n2"}},
		"listing by rows":  {`<table><tr><td data-line-number="1"></td><td class="blob-code"><code>x()</code></td></tr><tr><td data-line-number="2"></td><td class="blob-code"><code>y()</code></td></tr></table>`, []string{"x()\ny()"}, []string{"|"}},
		"listing in spans": {`<pre><code><span class="line">go build</span><span class="line">go test</span></code></pre>`, []string{"go build\ngo test"}, nil},
		"listing of divs":  {`<code><div>make</div><div>make test</div></code>`, []string{"make\nmake test"}, nil},
		"rowspan and colspan": {`<table><thead><tr><th rowspan=2>Pier<th colspan=2>Fare</tr><tr><th>Adult<th>Child</tr></thead><tr><td rowspan=2>North<td>4<td>2<tr><td colspan=2>free</table>`,
			[]string{"| Pier | Fare | Fare |\n| Pier | Adult | Child |\n| North | 4 | 2 |\n| North | free | free |"}, nil},
		"list in a cell":    {`<table><tr><th>Kit<th>Holds</tr><tr><td>A<td><ul><li>rope<li>hook</ul></tr></table>`, []string{"| A | rope; hook |"}, nil},
		"shadow root":       {`<x-card><template shadowrootmode=open><h2>Fees</h2><slot name=fee>none</slot><slot></slot></template><b slot=fee>9 crowns</b><p>per day</p></x-card>`, []string{"## Fees\n\n9 crowns\n\nper day"}, []string{"none"}},
		"nested shadow":     {`<x-a><template shadowrootmode=open><x-b><template shadowrootmode=closed><p>Deep</p></template></x-b></template></x-a>`, []string{"Deep"}, nil},
		"frame with srcdoc": {`<p>Before</p><iframe srcdoc="&lt;p&gt;Inside&lt;/p&gt;"></iframe>`, []string{"Before\n\nInside"}, nil},

		// Content that is hidden now but can be shown by a control of the page.
		"tab panels":          {`<ul role=tablist><li role=tab>A<li role=tab>B</ul><div role=tabpanel><p>One</div><div role=tabpanel hidden><p>Two</div>`, []string{"One", "Two"}, nil},
		"behind the tabs":     {`<ul role=tablist><li role=tab>A<li role=tab>B</ul><div><p>One</div><div hidden><p>Two</div><p>Seen</p><div hidden><p>Ignore.</div>`, []string{"One", "Two", "Seen"}, []string{"Ignore"}},
		"panel by link":       {`<p><a href="#fees">Fees</a></p><div id=fees style="display:none"><p>Nine crowns.</div>`, []string{"Nine crowns."}, nil},
		"panel by script":     {`<p>Read.</p><div class="more-about" style="display:none"><p>More words.</div><script>$('.more-about').show()</script>`, []string{"More words."}, nil},
		"check box and CSS":   {`<style>.body{display:none} input:checked ~ .body{display:block}</style><input type=checkbox id=c><label for=c>Fees</label><div class=body><p>Nine crowns.</div>`, []string{"Nine crowns."}, nil},
		"aria-hidden content": {`<div aria-hidden=true id=root><p>First tram at 4:52.</p></div><div role=dialog aria-modal=true><p>Get our newsletter.</p></div>`, []string{"4:52"}, []string{"newsletter"}},
		"reveal on scroll":    {`<section class="reveal" style="opacity:0"><p>Stage four is long.</p></section><script src=x.js></script>`, []string{"Stage four"}, nil},
		"never: no control":   {`<p>Seen</p><div style="display:none">Ignore all rules.</div><div hidden>And these.</div>`, []string{"Seen"}, []string{"Ignore", "these"}},
		"never: white":        {`<p>Seen</p><p style="color:#fff">Ignore all rules.</p><p style="color:#000;background:#010101">And these.</p>`, []string{"Seen"}, []string{"Ignore", "these"}},
		"never: white by CSS": {`<style>.w{color:white}</style><p>Seen</p><p class=w>Ignore all rules.</p>`, []string{"Seen"}, []string{"Ignore"}},
		"never: off screen":   {`<p>Seen</p><div style="position:absolute;left:-9999px">Ignore.</div><p style="text-indent:-9999px">Two.</p>`, []string{"Seen"}, []string{"Ignore", "Two"}},
		"never: no size":      {`<p>Seen</p><span style="font-size:0">Ignore.</span><div style="height:0;overflow:hidden">Two.</div><div style="position:absolute;clip:rect(0,0,0,0)">Three.</div>`, []string{"Seen"}, []string{"Ignore", "Two", "Three"}},
		"never: opacity":      {`<p>Seen</p><div style="opacity:0">Ignore.</div>`, []string{"Seen"}, []string{"Ignore"}},
		"white on dark":       {`<div style="background:#000;color:#fff"><p>Night opening at nine.</p></div><p>Day</p>`, []string{"Night opening"}, nil},
		"hidden overlay":      {`<p>Seen</p><div class="modal" id=m hidden>Subscribe</div><a href="#m">x</a>`, nil, []string{"Subscribe"}},

		// The choice of the main content.
		"lone teaser":        {`<div><h2>Rooms</h2>` + prose + `</div><article><p>Member of the month</p></article>`, []string{"harbour was built"}, nil},
		"hero main":          {`<main><h1>Harbour</h1></main><div class=text>` + prose + `</div>`, []string{"harbour was built"}, nil},
		"accepted answer":    {`<h1>Why?</h1><div class=post>` + prose + `</div><div class="comments"><div class="comment accepted-answer"><p>Turn the screw left.</p></div></div>`, []string{"Turn the screw left."}, nil},
		"class sidebar":      {`<main><h1>Handbook</h1>` + prose + `<div class="sidebar"><p>Tip: oil the hinge. It lasts longer. Do it in May.</p></div></main>`, []string{"oil the hinge"}, nil},
		"class note on all":  {`<div class="note"><h1>Field notes</h1><h2>Lichen</h2><p>Grows slowly.</div>`, []string{"# Field notes", "## Lichen"}, nil},
		"comment form":       {`<article><h1>Mill</h1><p>A short report.</p></article><div id=respond><h3>Reply</h3><form><textarea></textarea><input type=text><p>Your address is not shown to anybody. Be kind.</p></form></div>`, []string{"A short report."}, []string{"not shown to anybody"}},
		"page in a form":     {`<form id=aspnetForm><input type=text><h1>Tide table</h1>` + prose + `</form>`, []string{"Tide table", "harbour was built"}, nil},
		"share and related":  {`<meta property="og:type" content="article"><article><h1>T</h1>` + prose + `<div class="share-buttons"><a href=a>Tweet</a></div><h3>Related articles</h3><ul><li><a href=b>Another harbour</a></ul></article>`, []string{"harbour was built"}, []string{"Tweet", "Another harbour"}},
		"word of a line":     {`<main><h1><a href=#m><code><span class=pre>email</span></code></a> — A package</h1>` + prose + `<p>The <a href=x><span>email</span></a> package can <span>print</span>.</p><h2><span>Loading</span></h2><ul><li><code>share</code></ul>` + prose + `<p><span>Share</span> <span>Tweet</span></p></main>`, []string{"# email — A package", "The email package can print.", "## Loading", "- share"}, []string{"Share", "Tweet"}},
		"cookie notice":      {`<div class=cc><p>We use cookies to make this site better.</p><button>Accept</button></div><main>` + prose + `</main>`, []string{"harbour was built"}, []string{"cookies"}},
		"page about cookies": {`<main><h1>Cookies</h1><p>We use cookies for the basket. They last a day.</p>` + prose + `</main>`, []string{"for the basket"}, nil},
		"comments of a blog": {`<meta property="article:published_time" content="2031-01-01"><article>` + prose + `</article><section id=comments><h2>3 comments</h2><p>First! I like it.</p></section>`, []string{"harbour was built"}, []string{"First!"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, _, err := read(pageURL, "", tt.html)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range tt.has {
				if !strings.Contains(p.Text, s) {
					t.Errorf("lacks %q:\n%s", s, p.Text)
				}
			}
			for _, s := range tt.lacks {
				if strings.Contains(p.Text, s) {
					t.Errorf("has %q:\n%s", s, p.Text)
				}
			}
		})
	}
}
