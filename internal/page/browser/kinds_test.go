package browser_test

import (
	"slices"
	"strings"
	"testing"

	"legwork/internal/page"
	"legwork/internal/research"
)

// TestKinds_scrolling: content that a page loads when it is scrolled is read. For a page that grows without end, the note says that there
// is more.
func TestKinds_scrolling(t *testing.T) {
	w := newWorld(t)
	const list = `<!DOCTYPE html><title>Ferries</title><h1>Ferries</h1><div id="list"></div><div id="end" style="height:20px"></div><script>
		let n = 0;
		function add() { if (n >= LAST) return; for (let i = 0; i < 5; i++) { n++;
			const p = document.createElement('p'); p.style.height = '300px'; p.textContent = 'Ferry number ' + n + ' leaves at noon.'; list.append(p); } }
		add();
		new IntersectionObserver(es => { if (es.some(e => e.isIntersecting)) add() }).observe(end);
	</script>`
	w.site.Page("/ferries.html", strings.ReplaceAll(list, "LAST", "40"))
	w.site.Page("/endless.html", strings.ReplaceAll(list, "LAST", "1e9"))
	v := w.load("/ferries.html")
	says(t, v, "Ferry number 1 leaves", "Ferry number 40 leaves")
	if v.Note != "" {
		t.Errorf("all of it was read, and the note says %q", v.Note)
	}
	v = w.load("/endless.html")
	says(t, v, "Ferry number 1 leaves", "Ferry number 12 leaves")
	if !strings.Contains(v.Note, "loads more as it is scrolled") {
		t.Errorf("the note is %q", v.Note)
	}
}

// TestKinds_routes: links to routes of a rendered page lead to separate pages; links to places in the page do not.
func TestKinds_routes(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/ports.html", `<!DOCTYPE html><title>Ports</title><main id="main"></main><script>
		const pages = {'': '<h1>Ports</h1><p>Choose a port of the coast here.</p><a href="#/oster">Oster</a> <a href="#!/wester">Wester</a> <a href="#top">Top</a>',
			'#/oster': '<h1>Oster</h1><p>Oster is four metres deep.</p>', '#!/wester': '<h1>Wester</h1><p>Wester is silting up.</p>'};
		function show() { main.innerHTML = pages[location.hash] || pages[''] }
		addEventListener('hashchange', show); show();
	</script>`)
	s := w.open(page.Policy{})
	start := w.loadIn(s, "/ports.html")
	says(t, start, "Choose a port")
	leads := func(route string) bool {
		return slices.ContainsFunc(start.Links, func(l research.Link) bool { return l.URL == w.site.URL("/ports.html"+route) })
	}
	if !leads("#/oster") || !leads("#!/wester") || leads("#top") {
		t.Errorf("links: %+v", start.Links)
	}
	oster := w.loadIn(s, "/ports.html#/oster")
	says(t, oster, "four metres deep")
	lacks(t, oster, "Choose a port")
	says(t, w.loadIn(s, "/ports.html#!/wester"), "silting up")
}

// TestKinds_drawn: hidden content is read if the page can show it. Content that nobody can ever see is not read.
func TestKinds_drawn(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/drawn.html", `<!DOCTYPE html><title>Fees</title><style>
		.c1 { color: rgb(250, 250, 250); background: rgb(252, 252, 252) } .c2 { position: absolute; left: -4000px } .c3 { font-size: 1px } .c4 { clip-path: inset(100%) }
		.c5 { display: none } :is(.c6) { display: none } @supports (display: block) { .c7 { display: none } } :where(.c8) { visibility: hidden } .list { & .c9 { display: none } } .off { display: none } .slow { opacity: 0 }</style>
		<h1>Fees</h1><p>A berth costs nine crowns a day.</p>
		<div role="tablist"><button role="tab" aria-controls="t1">Summer</button><button role="tab" aria-controls="t2">Winter</button></div>
		<div role="tabpanel" id="t1"><p>In summer it is eleven crowns.</p></div><div role="tabpanel" id="t2" class="off"><p>In winter it is four crowns.</p></div>
		<section class="slow reveal" id="late"><p>Boats over twelve metres pay twice.</p></section>
		<p class="c1">Ignore one.</p><p class="c2">Ignore two.</p><p class="c3">Ignore three.</p><p class="c4">Ignore four.</p><div class="c5"><p>Ignore five.</p></div><p class="c6">Ignore six.</p><p class="c7">Ignore seven.</p><p class="c8">Ignore eight.</p><div class="list"><p class="c9">Ignore nine.</p></div>
		<script>for (const tab of document.querySelectorAll('[role=tab]')) tab.onclick = () => document.getElementById(tab.getAttribute('aria-controls')).style.display = 'block';
		addEventListener('dblclick', () => late.classList.remove('slow'))</script>`)
	v := w.load("/drawn.html")
	says(t, v, "nine crowns", "eleven crowns", "four crowns", "over twelve metres pay twice")
	lacks(t, v, "Ignore")
	if !v.Rendered {
		t.Errorf("not rendered: %s", v.Note)
	}
}

// TestKinds_frames: frames of the same site, and frames inside them, are read at their place in the page. Invisible frames are not read.
func TestKinds_frames(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/tides.html", `<!DOCTYPE html><title>Tides</title><h1>Tides</h1><p>Before the frame.</p><iframe src="/tides-in.html" width=600 height=300></iframe>
		<iframe src="/tides-no.html" width=1 height=1></iframe><p>After the frame.</p><script>document.title += '.'</script>`)
	w.site.Page("/tides-in.html", `<p>High water is at 9:40.</p><a href="moon.html">Moon</a><iframe srcdoc="<p>Low water is at 3:25.</p>" width=300 height=100></iframe>`)
	w.site.Page("/tides-no.html", `<p>Ignore this frame.</p>`)
	v := w.load("/tides.html")
	says(t, v, "Before the frame.", "High water is at 9:40.", "Low water is at 3:25.", "After the frame.")
	lacks(t, v, "Ignore")
	if at, after := strings.Index(v.Page.Text, "9:40"), strings.Index(v.Page.Text, "After the frame."); at > after {
		t.Errorf("the frame stands behind what follows it:\n%s", v.Page.Text)
	}
	if !slices.ContainsFunc(v.Links, func(l research.Link) bool { return l.URL == w.site.URL("/moon.html") }) {
		t.Errorf("the frame's link is missing: %+v", v.Links)
	}
}

// TestKinds_shadow: shadow roots replace the content of their hosts, whether declared in the document or made by a script.
func TestKinds_shadow(t *testing.T) {
	w := newWorld(t)
	w.site.Page("/boats.html", `<!DOCTYPE html><title>Boats</title><h1>Boats</h1>
		<x-boat><template shadowrootmode="open"><h2>Declared</h2><slot name="depth">unknown</slot><slot></slot></template><b slot="depth">Draught 2.1 m</b><p>She has two masts.</p></x-boat>
		<y-boat><p>Her crew is four.</p><p slot="nowhere">Not shown at all.</p></y-boat>
		<script>customElements.define('y-boat', class extends HTMLElement { constructor() { super();
			this.attachShadow({mode: 'open'}).innerHTML = '<h2>Made</h2><p>Built in 1911.</p><slot></slot>' } })</script>`)
	v := w.load("/boats.html")
	says(t, v, "Declared", "Draught 2.1 m", "She has two masts.", "Made", "Built in 1911.", "Her crew is four.")
	lacks(t, v, "unknown", "Not shown at all.")
}
