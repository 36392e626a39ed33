package doctor

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"legwork/cmd/legwork/commands"
	"legwork/internal/config"
)

// with returns a doctor with a configuration, and what it prints.
func with(t *testing.T, environ ...string) (*doctor, *bytes.Buffer) {
	t.Helper()
	cfg, err := config.Load(append([]string{"LEGWORK_HOME=" + t.TempDir()}, environ...), "")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	return &doctor{Env: commands.Env{Out: &out}, cfg: cfg, log: slog.New(slog.DiscardHandler)}, &out
}

// TestSearXNG checks that an own search server that does not answer, or not with JSON, is a failure with advice.
func TestSearXNG(t *testing.T) {
	t.Parallel()
	answer := `{"results": []}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("format") != "json" || answer == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte(answer))
	}))
	defer server.Close()
	for _, c := range []struct{ answer, want string }{
		{`{"results": []}`, "ok    search     SEARCH_CUSTOM_URL answers"},
		{`<html>`, `its answer is no JSON object with "results": SearXNG must run there, with json in search.formats`},
		{"", "it answers 403 Forbidden"},
	} {
		answer = c.answer
		d, out := with(t, "SEARCH_CUSTOM_URL="+server.URL)
		d.search(t.Context())
		if !strings.Contains(out.String(), c.want) || (d.bad > 0) != !strings.HasPrefix(c.want, "ok") {
			t.Errorf("%q: %s", c.answer, out)
		}
	}
	server.Close()
	d, out := with(t, "SEARCH_CUSTOM_URL="+server.URL)
	if d.search(t.Context()); !strings.Contains(out.String(), "connection refused") {
		t.Errorf("no server: %s", out)
	}
}

// TestCertificate checks that a certificate that has ended, or ends soon, is told.
func TestCertificate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		left time.Duration
		want string
	}{
		"ended":   {-time.Hour, "FAIL  tls        the certificate in TLS_CERT_FILE ended on "},
		"soon":    {48 * time.Hour, "note  tls        the certificate in TLS_CERT_FILE ends on "},
		"valid":   {300 * 24 * time.Hour, "ok    tls        the certificate is valid until "},
		"missing": {0, "FAIL  tls        TLS_CERT_FILE and TLS_KEY_FILE cannot be used: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cert, key := filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
			if c.left != 0 {
				writeCertificate(t, cert, key, time.Now().Add(c.left))
			}
			d, out := with(t)
			d.cfg.TLSCertFile, d.cfg.TLSKeyFile = cert, key
			if d.certificate(); !strings.HasPrefix(out.String(), c.want) {
				t.Errorf("%s", out)
			}
		})
	}
}

func writeCertificate(t *testing.T, cert, key string, until time.Time) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: until.Add(-1000 * time.Hour), NotAfter: until, DNSNames: []string{"example.org"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSettingsWithoutEffect checks that an engine without its key is told.
func TestSettingsWithoutEffect(t *testing.T) {
	t.Parallel()
	d, out := with(t, "SEARCH_ENGINES=google,library")
	d.settings()
	if !strings.Contains(out.String(), "SEARCH_ENGINES names google, which cannot be asked without GOOGLE_API_KEY") {
		t.Errorf("%s", out)
	}
}
