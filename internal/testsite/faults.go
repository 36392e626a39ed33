package testsite

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// faults adds the routes that misbehave:
//
//	/robots.txt           forbids /private/ to everyone
//	/private/secret.html  the page that robots.txt forbids
//	/redirect/N           N redirects in a row, then /index.html
//	/redirect-loop        redirects to itself by way of /redirect-loop/back
//	/redirect-private     redirects to the metadata address 169.254.169.254
//	/redirect-file        redirects to a file: URL
//	/refresh.html         a page that is nothing but a meta refresh to /index.html
//	/slow                 sends a word of a page every 20 ms, without end
//	/huge                 64 MiB of HTML, without a length
//	/huge-length          announces 1 GiB
//	/gzip-bomb            64 MiB of HTML in less than 1 MiB
//	/status/CODE          a small page with the status CODE
//	/retry-after          429 with Retry-After: 7; the query ?value= sets another Retry-After, ?status= another status
//	/charset/latin1       ISO-8859-1, declared in the header
//	/charset/meta         windows-1252, declared in the document
//	/charset/wrong        declared as UTF-8, but its bytes are not valid UTF-8
//	/broken.html          tags that do not match
//	/binary.bin           five bytes, declared as application/octet-stream
//	/untyped              HTML without a Content-Type
//	/download.zip         an archive
//	/empty                HTML without text
//	/nothing              200 with no body at all
//	/nul                  NULs, control characters and invalid UTF-8
//	/login-wall           200 with nothing but a login form
//	/captcha              403 with a CAPTCHA form
//	/flaky?fail=N&key=K   503 for the first N requests of a key, then a page
//	/cut                  announces more bytes than it sends
//	/reset                closes the connection without an answer
func (s *Site) faults() {
	s.text("/robots.txt", "text/plain; charset=utf-8", "User-agent: *\nDisallow: /private/\n")
	s.Page("/private/secret.html", sheet("Secret", "<h1>Secret</h1><p>Polite programs never read this page.</p>"))
	s.Handle("/redirect/*", redirectN)
	s.redirect("/redirect-loop", "/redirect-loop/back")
	s.redirect("/redirect-loop/back", "/redirect-loop")
	s.redirect("/redirect-private", "http://169.254.169.254/latest/meta-data/")
	s.redirect("/redirect-file", "file:///etc/passwd")
	s.Page("/refresh.html", `<!DOCTYPE html><title>Moved</title><meta http-equiv="refresh" content="0; url=/index.html"><p>Moved.`)
	s.Handle("/slow", s.slow)
	s.Handle("/huge", func(w http.ResponseWriter, _ *http.Request) { html(w); _, _ = io.Copy(w, bulk()) })
	s.Handle("/huge-length", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(1<<30))
		html(w)
		_, _ = w.Write([]byte("<p>A gigabyte follows."))
	})
	s.Handle("/gzip-bomb", gzipBomb)
	s.Handle("/status/*", status)
	s.Handle("/retry-after", retryAfter)
	s.text("/charset/latin1", "text/html; charset=iso-8859-1", "<title>Caf\xe9</title><p>Das Caf\xe9 \xf6ffnet um f\xfcnf.")
	s.text("/charset/meta", "text/html", "<meta charset=windows-1252><title>Quotes</title><p>\x93Curly\x94 and \x80 5")
	s.text("/charset/wrong", "text/html; charset=utf-8", "<title>Wrong</title><p>Das Caf\xe9 ist zu.")
	s.Page("/broken.html", "<title>Broken</title><h1>Broken page</h1><p>One <b>two <i>three</b> four</i><table><td>cell<p>in a cell</table></div></p><li>loose item<dl><dd>loose definition<p>The end is <a href='index.html'>near")
	s.text("/binary.bin", "application/octet-stream", "\x00\x01\x02\xff\xfe")
	s.Handle("/untyped", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		_, _ = w.Write([]byte("<!DOCTYPE html><title>Untyped</title><p>A page without a type."))
	})
	s.text("/download.zip", "application/zip", "PK\x03\x04 and so on")
	s.Page("/empty", "<!DOCTYPE html><title></title><body><script>render()</script></body>")
	s.text("/nothing", "text/html", "")
	s.text("/nul", "text/html; charset=utf-8", "<title>N\x00ul</title><h1>Zero\x00es</h1><p>Water\x00 boils\x07 at \xff\xfe 100 \xed\xa0\x80 degrees.")
	s.Page("/login-wall", `<!DOCTYPE html><title>Sign in</title><form action="/login" method="post"><h1>Sign in to go on</h1><input name="user"><input type="password" name="password"><button>Sign in</button></form>`)
	s.Handle("/captcha", func(w http.ResponseWriter, _ *http.Request) {
		html(w)
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<!DOCTYPE html><title>Just a moment</title><form id="challenge-form"><div class="h-captcha"></div><p>Prove that you are human.</p></form>`))
	})
	s.Handle("/flaky", s.flaky)
	s.Handle("/cut", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100000")
		html(w)
		_, _ = w.Write([]byte("<p>This page ends in the middle of a"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	s.Handle("/reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

func (s *Site) text(path, contentType, body string) {
	s.Handle(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, _ = w.Write([]byte(body))
	})
}

func (s *Site) redirect(path, target string) {
	s.Handle(path, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", target)
		w.WriteHeader(http.StatusFound)
	})
}

func html(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html; charset=utf-8") }

func last(path string) int {
	n, _ := strconv.Atoi(path[strings.LastIndexByte(path, '/')+1:])
	return n
}

func redirectN(w http.ResponseWriter, r *http.Request) {
	if n := last(r.URL.Path); n > 1 {
		http.Redirect(w, r, "/redirect/"+strconv.Itoa(n-1), http.StatusFound)
		return
	}
	http.Redirect(w, r, "/index.html", http.StatusMovedPermanently)
}

func status(w http.ResponseWriter, r *http.Request) {
	code := last(r.URL.Path)
	if code < 200 || code > 599 {
		code = http.StatusTeapot
	}
	html(w)
	w.WriteHeader(code)
	if code != http.StatusNoContent && code != http.StatusNotModified {
		_, _ = w.Write([]byte("<!DOCTYPE html><title>Status</title><p>Status " + strconv.Itoa(code) + "."))
	}
}

func retryAfter(w http.ResponseWriter, r *http.Request) {
	value, code := r.URL.Query().Get("value"), http.StatusTooManyRequests
	if value == "" {
		value = "7"
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("status")); err == nil {
		code = n
	}
	w.Header().Set("Retry-After", value)
	html(w)
	w.WriteHeader(code)
	_, _ = w.Write([]byte("<!DOCTYPE html><title>Slow down</title><p>Slow down."))
}

// slow writes until the client disconnects.
func (s *Site) slow(w http.ResponseWriter, r *http.Request) {
	html(w)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if _, err := w.Write([]byte("<p>drip ")); err != nil {
			return
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		case <-s.closed:
			return
		}
	}
}

func bulk() io.Reader {
	return io.LimitReader(repeat("<p>The kettle boils and boils and boils.</p>\n"), 64<<20)
}

// repeat is a reader that returns the string again and again, without end.
type repeat string

// Read implements io.Reader.
func (t repeat) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte(t), max(1, min(len(p)/len(t), 1000)))), nil
}

// gzipBomb sends the same compressed mebibyte 64 times. A file may consist of several gzip streams (RFC 1952
// §2.2).
func gzipBomb(w http.ResponseWriter, _ *http.Request) {
	html(w)
	w.Header().Set("Content-Encoding", "gzip")
	var member bytes.Buffer
	z := gzip.NewWriter(&member)
	_, _ = io.CopyN(z, bulk(), 1<<20)
	_ = z.Close()
	for range 64 {
		if _, err := w.Write(member.Bytes()); err != nil {
			return
		}
	}
}

func (s *Site) flaky(w http.ResponseWriter, r *http.Request) {
	fail, _ := strconv.Atoi(r.URL.Query().Get("fail"))
	key := r.URL.RawQuery
	s.mu.Lock()
	failed := s.failures[key]
	if failed < fail {
		s.failures[key]++
	}
	s.mu.Unlock()
	html(w)
	if failed < fail {
		w.Header().Set("Retry-After", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, _ = w.Write([]byte(sheet("Flaky", "<h1>Flaky</h1><p>The page is back after some failures, and says that the kettle weighs 1200 grams.</p>")))
}
