package tlscert_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/letsencrypt/challtestsrv"
	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"

	"legwork/internal/tlscert"
)

// pair creates a self-signed certificate for a name, and its key. It returns both in PEM.
func pair(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// serve starts a TLS server and returns its address.
func serve(t *testing.T, cfg *tls.Config) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{TLSConfig: cfg, ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })}
	go func() { _ = srv.ServeTLS(ln, "", "") }()
	t.Cleanup(func() { _ = srv.Close() })
	return ln.Addr().String()
}

// name returns the name in the certificate that a server presents to a client that asks for host.
func name(t *testing.T, addr, host string) (string, error) {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, &tls.Config{ServerName: host, InsecureSkipVerify: true})
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	return strings.Join(conn.ConnectionState().PeerCertificates[0].DNSNames, " "), nil
}

// TestFilesAreReadAgain checks that new connections use a replaced certificate. If the replacement is broken, they
// must use the previous one, and the log must say so.
func TestFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cfg := tlscert.Config{CertFile: filepath.Join(dir, "cert.pem"), KeyFile: filepath.Join(dir, "key.pem")}
	write := func(cert, key []byte, age time.Duration) {
		t.Helper()
		for file, text := range map[string][]byte{cfg.CertFile: cert, cfg.KeyFile: key} {
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, time.Time{}, time.Now().Add(-age)); err != nil { // sets the file's time instead of waiting for the clock of the file system
				t.Fatal(err)
			}
		}
	}
	var logged bytes.Buffer
	cfg.Log = slog.New(slog.NewTextHandler(&logged, nil))
	if _, err := tlscert.New(cfg); err == nil || !strings.Contains(err.Error(), "TLS_CERT_FILE") {
		t.Errorf("missing files: %v", err)
	}
	cert, key := pair(t, "first.example")
	write(cert, key, 3*time.Hour)
	server, err := tlscert.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	addr := serve(t, server)
	cert, key = pair(t, "second.example")
	for _, step := range []struct {
		change func()
		want   string
	}{
		{func() {}, "first.example"},
		{func() { write(cert, key, 2*time.Hour) }, "second.example"},
		{func() { write([]byte("x"), key, time.Hour) }, "second.example"},
	} {
		step.change()
		if got, err := name(t, addr, "any.example"); err != nil || got != step.want {
			t.Errorf("the certificate is of %q, %v, want %q", got, err, step.want)
		}
	}
	if !strings.Contains(logged.String(), "the one before stays in use") {
		t.Errorf("log %q", &logged)
	}
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11})
	if err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is accepted")
	}
}

// TestACME gets a certificate for a configured name from an ACME server (Pebble, Let's Encrypt's server for tests),
// and checks that no certificate is requested for other names.
func TestACME(t *testing.T) {
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	quiet := log.New(io.Discard, "", 0)

	// This name server on loopback answers 127.0.0.1 for every name.
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	resolver := free.Addr().String()
	_ = free.Close()
	names, err := challtestsrv.New(challtestsrv.Config{Log: quiet, DNSAddrs: []string{resolver}})
	if err != nil {
		t.Fatal(err)
	}
	names.SetDefaultDNSIPv6("")
	names.Run()
	t.Cleanup(names.Shutdown)

	// The ACME server connects to this port to check that the server under test controls a name.
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	number, _ := strconv.Atoi(port)
	store := db.NewMemoryStore()
	authority := ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "the default"}})
	checker := va.New(quiet, number, number, false, resolver, store)
	front := wfe.New(quiet, store, checker, authority, []string{"pebble.letsencrypt.org"}, false, false, 0, 0)
	acme := httptest.NewTLSServer(front.Handler())
	t.Cleanup(acme.Close)

	dir := t.TempDir()
	cfg, err := tlscert.New(tlscert.Config{Domains: []string{"legwork.example"}, Email: "ops@legwork.example", Directory: acme.URL + wfe.DirectoryPath,
		Folder: dir, Client: acme.Client(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{TLSConfig: cfg, ErrorLog: quiet, ReadHeaderTimeout: time.Minute}
	go func() { _ = srv.ServeTLS(ln, "", "") }()
	t.Cleanup(func() { _ = srv.Close() })

	if got, err := name(t, ln.Addr().String(), "other.example"); err == nil {
		t.Errorf("a name that is not configured has a certificate of %q", got)
	}
	got, err := name(t, ln.Addr().String(), "legwork.example")
	if err != nil || got != "legwork.example" {
		t.Fatalf("the certificate is of %q, %v", got, err)
	}
	if kept, err := os.ReadDir(dir); err != nil || len(kept) < 2 {
		t.Errorf("kept %v, %v: want account and certificate", kept, err)
	}
}
