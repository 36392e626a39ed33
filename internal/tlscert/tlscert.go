// Package tlscert provides the certificates of the API's server, from two files or from an ACME server (RFC 8555).
//
// Invariants:
//
//   - Files are read again when they change, so a renewed certificate needs no restart. If the new files cannot be
//     used, this is logged, and the previous certificate stays in use.
//   - Certificates are requested from the ACME server only for the configured names, whatever name a client sends.
//     Names are proved by TLS-ALPN-01 (RFC 8737) on the API's own port, which the ACME server must reach as port 443.
//     The ACME account and the certificates are stored in a folder.
package tlscert

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// Config says where certificates come from. Set either CertFile and KeyFile, or Domains.
type Config struct {
	CertFile, KeyFile string // in PEM; CertFile may contain the whole chain
	Domains           []string
	Email             string       // of the ACME account; optional
	Directory         string       // URL of the ACME server; empty means Let's Encrypt
	Folder            string       // folder for the ACME account and the certificates from ACME
	Client            *http.Client // client for requests to the ACME server; nil means the default client
	Log               *slog.Logger
}

// Wanted reports whether the server should use TLS.
func (c Config) Wanted() bool { return c.CertFile != "" || len(c.Domains) > 0 }

// New returns the TLS configuration of a server. If files are configured, they must be usable now. ACME certificates
// are requested when the first client connects, and renewed a month before they expire.
func New(c Config) (*tls.Config, error) {
	if len(c.Domains) == 0 {
		f := &files{cert: c.CertFile, key: c.KeyFile, log: c.Log}
		if err := f.load(); err != nil {
			return nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: f.certificate}, nil
	}
	m := &autocert.Manager{
		Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(c.Domains...), Email: c.Email, Cache: autocert.DirCache(c.Folder),
		Client: &acme.Client{DirectoryURL: c.Directory, HTTPClient: c.Client},
	}
	if c.Directory == "" {
		m.Client.DirectoryURL = autocert.DefaultACMEDirectory
	}
	out := m.TLSConfig()
	out.MinVersion = tls.VersionTLS12
	return out, nil
}

// files provides a certificate from two files.
type files struct {
	cert, key string
	log       *slog.Logger

	mu      sync.Mutex
	seen    [2]stamp // state of the two files when they were last read
	current *tls.Certificate
}

// stamp is the state of a file. It differs when the file has changed.
type stamp struct {
	at    time.Time
	bytes int64
}

// certificate implements tls.Config.GetCertificate.
func (f *files) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stamps() != f.seen {
		if err := f.load(); err != nil {
			f.log.Warn("the new certificate cannot be used; the one before stays in use", "error", err)
		}
	}
	return f.current, nil
}

// load reads the files. If one of the two has not been replaced yet, loading fails, and is tried again when that file
// changes.
func (f *files) load() error {
	f.seen = f.stamps()
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("TLS_CERT_FILE %s and TLS_KEY_FILE %s must be a certificate and its key in PEM: %w", f.cert, f.key, err)
	}
	f.current = &pair
	return nil
}

// stamps returns the state of both files. A missing file has the zero stamp.
func (f *files) stamps() (out [2]stamp) {
	for i, name := range []string{f.cert, f.key} {
		if info, err := os.Stat(name); err == nil {
			out[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return out
}
