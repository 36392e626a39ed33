package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"legwork/internal/forwarded"
	"legwork/internal/httpapi/problem"
	"legwork/internal/research"
)

// TestCommonHeaders checks that every answer, including errors and answers to preflights, has the headers that forbid
// browsers to use it.
func TestCommonHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/", "/health", "/nothing", "/api/tasks", "/api/tasks?limit=x", "/api/tasks/x/stream", "/api/openapi.yaml"} {
		h := b.get(path).header
		for name, want := range map[string]string{"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-site", "Strict-Transport-Security": ""} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", path, name, h.Get(name), want)
			}
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || !strings.Contains(csp, "frame-ancestors 'none'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: policy %q", path, csp)
		}
	}
	if res := b.do("HEAD", "/health", nil); res.status != 200 || len(res.body) != 0 {
		t.Errorf("HEAD: %d %s", res.status, res.body)
	}
	if h := b.do("OPTIONS", "/api/tasks", nil, "Origin", "https://elsewhere.example", "Access-Control-Request-Method", "POST").header; h.Get("Content-Security-Policy") == "" {
		t.Errorf("preflight: %v", h)
	}
}

// TestStrictTransportSecurity checks that Strict-Transport-Security is sent only when the client uses TLS, and that a
// client cannot pretend to use TLS.
func TestStrictTransportSecurity(t *testing.T) {
	t.Parallel()
	behind := setup(t, func(c *Config, _ *timing) {
		c.Proxies = forwarded.Proxies{Trusted: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	})
	if got := behind.get("/", "X-Forwarded-Proto", "https").header.Get("Strict-Transport-Security"); got != onlyTLS {
		t.Errorf("behind a proxy with TLS: %q", got)
	}
	if got := setup(t).get("/", "X-Forwarded-Proto", "https").header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("without a proxy: %q", got)
	}
}

// TestWhoMayEmbedFiles checks that pages of other sites may show files only when CORS_ORIGINS is set.
func TestWhoMayEmbedFiles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		origins []string
		want    string
	}{{nil, "same-site"}, {[]string{"http://localhost:3000"}, "cross-origin"}, {[]string{"*"}, "cross-origin"}} {
		b := setup(t, func(c *Config, _ *timing) { c.CORSOrigins = tt.origins })
		task := b.add(research.Task{Question: "x", Status: research.Completed})
		b.set(func() {
			b.artifacts = []research.Artifact{{Name: "1.png", Kind: research.KindScreenshot, ContentType: "image/png", Bytes: 3}}
		})
		if err := b.files.Write(t.Context(), task.ID, "1.png", "image/png", []byte("png")); err != nil {
			t.Fatal(err)
		}
		res := b.get("/artifacts/" + task.ID.String() + "/1.png")
		if got := res.header.Get("Cross-Origin-Resource-Policy"); res.status != 200 || got != tt.want {
			t.Errorf("%v: %d, %q, want %q", tt.origins, res.status, got, tt.want)
		}
	}
}

// TestBoundsOfRequests checks the bounds on URLs, headers and bodies, and the allowed content types.
func TestBoundsOfRequests(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.get("/api/tasks?q="+strings.Repeat("x", maxURL)).wantError(http.StatusRequestURITooLong, "uri_too_long")
	b.get("/"+strings.Repeat("x", maxURL)).wantError(http.StatusRequestURITooLong, "uri_too_long")
	if res := b.get("/api/tasks?x=" + strings.Repeat("x", maxURL-20)); res.status != 200 {
		t.Errorf("an address of %d bytes: %d %s", maxURL-7, res.status, res.body)
	}
	b.post("/api/tasks", `{"question":"`+strings.Repeat("x", problem.MaxBody)+`"}`).wantError(413, "payload_too_large")
	b.post("/api/tasks", `{"question":"x","metadata":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+`}`).wantError(422, "validation_error", "body")
	for _, kind := range []string{"multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain", "application/xml"} {
		b.do("POST", "/api/tasks", strings.NewReader(`{"question":"x"}`), "Content-Type", kind).wantError(415, "unsupported_media_type")
	}
	if n := len(b.seen()); n != 0 {
		t.Errorf("%d refused requests reached a service", n)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.http.URL+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Much", strings.Repeat("x", 128<<10))
	res, err := b.http.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("128 KiB of headers: %d", res.StatusCode)
	}
}
