package testsite

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
)

// scripts adds pages that can be read correctly only in a browser:
//
//	/app/                 empty until its script has fetched /app/data.json and drawn it; /app/#advanced shows another part
//	/app/blank.html       asks to enable JavaScript, and has its text in an inline script
//	/app/static.html      a page with a script that does nothing
//	/app/frames.html      a frame of the same site, and a component with an open shadow root
//	/app/banner.html      a consent banner with a veil in front of the page, made by script
//	/app/dialogs.html     calls alert, confirm and prompt before the text is drawn, and asks for confirmation when the page is left
//	/app/spin.html        text, and a script that never ends
//	/app/growing.html     text, and a script that asks the server again and again
//	/app/popups.html      opens /app/popup.html in windows and clicks on links to it and to a download
//	/app/leaves.html      a script that navigates to /app/
//	/app/eats.html        a script that removes the text
//	/app/long.html        sections one below the other, with images, below a sticky header
//	/app/images.html      an image, a stylesheet and a font
//	/app/worker.html      registers a service worker and writes whether the browser allowed this
func (s *Site) scripts() {
	s.Page("/app/", sheet("Kettle app", `<div id="root"></div><script src="/app/app.js"></script>`))
	s.text("/app/app.js", "text/javascript", appScript)
	s.text("/app/data.json", "application/json", `{"title":"Descaling the Kestrel","text":"Descale the Kestrel every 40 boils with 30 grams of citric acid.","advanced":"The sensor of the Kestrel trips at 104 degrees."}`)
	s.Page("/app/blank.html", sheet("Warranty", `<noscript>Please enable JavaScript.</noscript><script>
		document.body.insertAdjacentHTML('beforeend', '<main><h1>Warranty</h1><p>The warranty of the Kestrel lasts 27 months.</p></main>')</script>`))
	s.Page("/app/static.html", sheet("Static", `<h1>Static</h1><p>The lid of the Kestrel opens to 85 degrees.</p><script>window.seen = true</script>`))
	s.Page("/app/inner.html", sheet("Inner", `<h2>Inner</h2><p>The spout of the Kestrel pours 18 millilitres a second.</p><p><a href="inner-link.html">More</a></p>`))
	s.Page("/app/frames.html", sheet("Frames", `<h1>Frames</h1><p>This page is made of parts.</p><iframe src="inner.html" width="600" height="200"></iframe>
		<kettle-part><p slot="text">The handle of the Kestrel is made of beech.</p></kettle-part><script>
		customElements.define('kettle-part', class extends HTMLElement { constructor() { super();
			this.attachShadow({mode: 'open'}).innerHTML = '<h2>Handle</h2><slot name="text"></slot><p>It stays below 40 degrees.</p>' } })</script>`))
	s.Page("/app/banner.html", bannerPage())
	s.Page("/app/dialogs.html", sheet("Dialogs", `<script>alert('Hello'); const really = confirm('Really?'); prompt('Who?'); addEventListener('beforeunload', e => e.preventDefault());
		document.body.insertAdjacentHTML('beforeend', '<h1>Dialogs</h1><p>The whistle of the Kestrel sounds at 2400 hertz. Confirmed: ' + really + '.</p>')</script>`))
	s.Page("/app/spin.html", sheet("Spin", `<h1>Spin</h1><p>The base of the Kestrel turns by 360 degrees.</p><script>for (;;) {}</script>`))
	s.Page("/app/growing.html", sheet("Growing", `<h1>Growing</h1><p>The gauge of the Kestrel shows half litres.</p><script>(async () => { for (;;) await fetch('/app/data.json') })()</script>`))
	s.Page("/app/popups.html", sheet("Popups", `<h1>Popups</h1><p>The cord of the Kestrel is 75 centimetres long.</p>
		<a id="blank" target="_blank" href="/app/popup.html">new</a><a id="file" download href="/download.zip">file</a><script>
		window.open('/app/popup.html'); document.getElementById('blank').click(); document.getElementById('file').click();
		const f = document.createElement('iframe'); document.body.append(f); try { f.contentWindow.open('/app/popup.html') } catch {}</script>`))
	s.Page("/app/popup.html", sheet("Popup", "<h1>Popup</h1><p>Nobody asked for this window.</p>"))
	s.Page("/app/leaves.html", sheet("Leaves", `<script>location.href = '/app/'</script>`))
	s.Page("/app/eats.html", sheet("Eats", `<h1>Eats</h1><p>`+strings.Repeat("The filter of the Kestrel is a mesh of 180 micrometres. ", 5)+`</p><script>document.body.textContent = 'Something went wrong.'</script>`))
	s.Page("/app/long.html", longPage())
	s.Page("/app/images.html", sheet("Images", `<link rel="stylesheet" href="/app/style.css"><h1>Images</h1><p>The Kestrel comes in three colours.</p><img src="/app/kettle.png" alt="A red kettle" width="300" height="200"><script>0</script>`))
	s.text("/app/style.css", "text/css", "@font-face{font-family:K;src:url(/app/kettle.woff2)} h1{font-family:K,serif}")
	s.Handle("/app/kettle.png", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write(picture())
	})
	s.Page("/app/worker.html", sheet("Worker", `<h1>Worker</h1><p id="p">The Kestrel works alone.</p><script>
		const p = document.getElementById('p');
		if (!('serviceWorker' in navigator)) p.textContent += ' There are no service workers here.';
		else navigator.serviceWorker.register('/app/sw.js').then(() => { p.textContent += ' A worker was registered.' })</script>`))
	s.text("/app/sw.js", "text/javascript", "addEventListener('fetch', () => {})")
}

const appScript = `
fetch('/app/data.json').then(r => r.json()).then(d => setTimeout(() => {
	const advanced = location.hash === '#advanced';
	document.getElementById('root').innerHTML = '<main><h1>' + d.title + '</h1><p>' + (advanced ? d.advanced : d.text) + '</p><a href="/maintenance.html">Maintenance</a></main>';
}, 150));`

// bannerPage is a page with a consent banner as common frameworks make it: the banner appears late and covers everything, and the page behind it
// cannot be scrolled.
func bannerPage() string {
	return sheet("Banner", `<h1>Care</h1><p>Wipe the Kestrel with a damp cloth, never with bleach.</p><p>`+strings.Repeat("Dry it with a soft towel and store it in a dry place. ", 30)+`</p>
<script>setTimeout(() => {
	document.body.style.overflow = 'hidden';
	document.body.insertAdjacentHTML('beforeend', '<div style="position:fixed;inset:0;background:rgba(0,0,0,.7);z-index:998"></div>' +
		'<div class="x7f2" style="position:fixed;left:20%;top:25%;width:60%;background:#fff;padding:40px;z-index:999">' +
		'<h2>We value your privacy</h2><p>We and our 842 partners store cookies on your device.</p><button>Accept all</button><button>Reject</button></div>');
}, 100)</script>`)
}

// longPage returns a page about 9000 pixels high.
func longPage() string {
	var b strings.Builder
	b.WriteString(`<header style="position:sticky;top:0;background:#234;color:#fff;padding:20px">The Kestrel handbook</header>`)
	for i := range 60 {
		fmt.Fprintf(&b, `<section><h2>Section %d</h2><p>Part number %d of the <b>Kestrel</b> is tightened to <i>%d newton</i> metres.</p><img src="/app/kettle.png" alt="" width="120" height="60"></section>`, i, 1000+i, i+3)
	}
	b.WriteString(`<table><tr><th>Part</th><th>Torque</th></tr><tr><td>Lid screw</td><td>0.8 N·m</td></tr></table><ul><li>Never overtighten</li><li>Use a T10 driver</li></ul><script>0</script>`)
	return sheet("Long", b.String())
}

// picture returns an image of 300 by 200 pixels with a gradient.
func picture() []byte {
	img := image.NewRGBA(image.Rect(0, 0, 300, 200))
	for y := range 200 {
		for x := range 300 {
			img.Set(x, y, color.RGBA{R: 200, G: uint8(x * 255 / 300), B: uint8(y * 255 / 200), A: 255})
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img)
	return b.Bytes()
}
