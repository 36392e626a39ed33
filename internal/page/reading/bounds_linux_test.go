package reading

import (
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"legwork/internal/page/plaintext"
	"legwork/internal/research"
	"legwork/internal/testcost"
)

// heavy has functions that make documents of about one megabyte. The time to read each document must grow linearly with its size.
var heavy = map[string]func() string{
	"prose": func() string {
		return strings.Repeat("<div class='row'><p>The harbour was built <b>long</b> ago, <a href=x>they</a> say. It is deep.</p></div>", 10_000)
	},
	"flat list": func() string { return "<ul>" + strings.Repeat("<li>one <a href=x>two</a>", 40_000) },
	"open tags": func() string { return strings.Repeat("<div><p>x ", 60_000) },
	"deep lists": func() string {
		return strings.Repeat(strings.Repeat("<ul><li>", 200)+"x"+strings.Repeat("</ul>", 200), 400)
	},
	"deep notes": func() string {
		return strings.Repeat(strings.Repeat("<blockquote>", 200)+"<h3>x</h3>"+strings.Repeat("</blockquote>", 200), 200)
	},
	"headings":     func() string { return strings.Repeat("<h2>Related articles</h2><p>Text here.", 30_000) },
	"hidden":       func() string { return strings.Repeat("<div hidden class=tab>x</div>", 35_000) },
	"one cell":     func() string { return "<table>" + strings.Repeat("<tr><td colspan=1000 rowspan=60000>x<td>y", 25_000) },
	"small tables": func() string { return strings.Repeat("<table><tr><td>a<td>b<tr><td>1<td>2</table>", 25_000) },
	"deep tables": func() string {
		return strings.Repeat(strings.Repeat("<table><tr><td>a<td>", 80)+strings.Repeat("</table>", 80), 400)
	},
	"one word": func() string { return "<p>" + strings.Repeat("x", 1_000_000) },
	"one code": func() string { return "<pre>" + strings.Repeat("<span class=line>x </span>", 40_000) },
	"style rules": func() string {
		return strings.Repeat("<style>.a .b .c{display:none}</style><p class='a b c'>x", 20_000)
	},
	"many classes": func() string { return strings.Repeat("<p class='"+strings.Repeat("a-b ", 200)+"'>x", 1200) },
	"shadow": func() string {
		return strings.Repeat("<x-a><template shadowrootmode=open><slot></slot></template><p>x</x-a>", 15_000)
	},
	"formulas": func() string { return strings.Repeat("<math><mfrac><mi>a</mi><mi>b</mi></mfrac></math>", 20_000) },
	"custom": func() string {
		return strings.Repeat(strings.Repeat("<x-a>", 300)+"y"+strings.Repeat("</x-a>", 300), 300)
	},
	"struck":      func() string { return strings.Repeat(strings.Repeat("<s>", 100)+"y"+strings.Repeat("</s>", 100), 1200) },
	"images":      func() string { return strings.Repeat("<figure><img alt='a red kettle'></figure>", 25_000) },
	"definitions": func() string { return "<dl>" + strings.Repeat("<dt>a<dd>Means b.", 60_000) },
	"nested buttons": func() string {
		return strings.Repeat("<h2><button>Why is it so?</button></h2><div hidden><p>So.</div>", 15_000)
	},
}

// TestReadingIsLinear: reading a document that is four times as long takes about four times as long. With quadratic time it would take
// sixteen times as long. Each time is the processor time of one thread, and is compared with another such time. So the race detector or a
// busy machine does not affect the result.
func TestReadingIsLinear(t *testing.T) {
	t.Parallel()
	for name, make := range heavy {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runtime.LockOSThread() // so that the time of this thread is the time of the reading
			defer runtime.UnlockOSThread()
			doc := make()
			short, long := doc[:len(doc)/16], doc[:len(doc)/4]
			var one, four time.Duration
			for range 4 { // the smallest of four times is used, since the garbage collector runs during some of them
				took, _ := timeToRead(t, short)
				one = least(one, took)
				took, text := timeToRead(t, long)
				four = least(four, took)
				if text > 8*len(long)+1000 {
					t.Fatalf("%d bytes became %d of text", len(long), text)
				}
				if four < 9*one {
					break
				}
			}
			t.Logf("%d bytes %v, %d bytes %v", len(short), one.Round(time.Microsecond), len(long), four.Round(time.Microsecond))
			if four >= 9*one && four > 20*time.Millisecond {
				t.Errorf("%d bytes took %v, and %d bytes took %v", len(short), one, len(long), four)
			}
		})
	}
}

// timeToRead reads a document. It returns the processor time of the reading, and the size of the resulting text in bytes.
func timeToRead(t *testing.T, doc string) (took time.Duration, text int) {
	t.Helper()
	began := threadTime(t)
	p, _, _ := read(pageURL, "", doc)
	return threadTime(t) - began, len(p.Text)
}

// least returns the smaller of two times. If known is 0, nothing was measured before, and least returns measured.
func least(known, measured time.Duration) time.Duration {
	if known == 0 {
		return measured
	}
	return min(known, measured)
}

// threadTime returns the processor time used by the calling thread.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_THREAD, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// FuzzRead: whatever a document contains, its text has no control characters and its passages are spans of its text.
func FuzzRead(f *testing.F) {
	f.Add("<dl><dt>a<dd><table><tr><td rowspan=3>b<td>c<tr><th>d</table><pre>x\ny</pre></dl>")
	f.Add("<x-a><template shadowrootmode=open><slot name=s>f</slot></template><p slot=s>y<sup>2</sup> <s>z</s></x-a>")
	f.Add("<style>.a{display:none}.b{color:#fff}</style><p class=a id=q>1<p class=b>2<a href=#q>3</a><iframe srcdoc='&lt;p&gt;4'></iframe>")
	f.Add("<math><mfrac><mi>a</mi></mfrac></math><ol start=9 type=i><li value=3><h2>T</h2><li><ul><li>u</ol>")
	f.Add("<meta property=og:type content=article><article><h1>T<p>x.<h3>Related<ul><li><a href=b>c</a></ul></article><form><input><p>q</form>")
	f.Fuzz(func(t *testing.T, doc string) {
		if len(doc) > 1<<16 {
			return
		}
		var p research.Page
		var links []research.Link
		var err error
		testcost.Check(t, len(doc), testcost.Limit{Time: 100 * time.Microsecond, Alloc: 20_000}, func() { p, links, err = read(pageURL, "", doc) })
		if err != nil {
			return
		}
		if plaintext.Clean(p.Text) != p.Text || plaintext.Clean(p.Title) != p.Title {
			t.Fatalf("unclean: %q", p.Text)
		}
		runes, last := []rune(p.Text), 0
		for _, ps := range p.Passages {
			if ps.Start < last || ps.End <= ps.Start || ps.End > len(runes) || ps.End-ps.Start > 400 {
				t.Fatalf("passage %+v of %d code points after %d", ps, len(runes), last)
			}
			if s := string(runes[ps.Start:ps.End]); strings.TrimSpace(s) != s {
				t.Fatalf("passage with white space around it: %q", s)
			}
			last = ps.End
		}
		for _, l := range links {
			if l.URL == "" {
				t.Fatalf("a link without an address: %+v", l)
			}
		}
	})
}
