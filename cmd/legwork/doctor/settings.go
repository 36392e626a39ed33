package doctor

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"legwork/cmd/legwork/commands"
	"legwork/cmd/legwork/sources"
	"legwork/internal/page"
)

// Limits of the checks of settings.
const (
	answerWait = 10 * time.Second    // for an answer of another server
	renewSoon  = 14 * 24 * time.Hour // a certificate that ends within this time is told
	lowSpace   = 2 << 30             // bytes; less free space than this is told
)

// settings reports settings without effect.
func (d *doctor) settings() {
	warnings := d.cfg.Warnings()
	for _, w := range warnings {
		d.note("settings", w)
	}
	if len(warnings) == 0 {
		d.ok("settings", "all are valid, and all have an effect")
	}
}

// space reports how much room the disk of LEGWORK_HOME has.
func (d *doctor) space() {
	free, err := freeBytes(d.cfg.Home)
	switch {
	case err != nil: // the folder does not exist yet, or this system does not say
	case free < lowSpace:
		d.fail("disk", fmt.Errorf("%s has only %d MiB left: make room, or set LEGWORK_HOME to another disk", d.cfg.Home, free>>20))
	default:
		d.ok("disk", fmt.Sprintf("%s has %d GiB left", d.cfg.Home, free>>30))
	}
}

// secrets checks the keys that encrypt secrets in the database.
func (d *doctor) secrets() {
	keys, err := commands.SecretKeys(d.cfg)
	switch {
	case err != nil:
		d.fail("secrets", err)
	case !keys.Ready():
		d.note("secrets", "LEGWORK_SECRET_KEY is empty, so nothing that must be encrypted can be stored; make a key with: openssl rand -base64 32")
	default:
		d.ok("secrets", "secrets in the database are encrypted")
	}
}

// certificate checks the certificate with which the API speaks TLS.
func (d *doctor) certificate() {
	if d.cfg.TLSCertFile == "" {
		if len(d.cfg.TLSACMEDomains) > 0 {
			d.note("tls", "certificates for "+strings.Join(d.cfg.TLSACMEDomains, ", ")+" come by ACME when the API runs; port 443 of these names must reach it")
		}
		return
	}
	pair, err := tls.LoadX509KeyPair(d.cfg.TLSCertFile, d.cfg.TLSKeyFile)
	if err != nil {
		d.fail("tls", fmt.Errorf("TLS_CERT_FILE and TLS_KEY_FILE cannot be used: %w", err))
		return
	}
	switch left := time.Until(pair.Leaf.NotAfter); {
	case left < 0:
		d.fail("tls", fmt.Errorf("the certificate in TLS_CERT_FILE ended on %s: put a new one there; no restart is needed", pair.Leaf.NotAfter.UTC().Format(time.DateOnly)))
	case left < renewSoon:
		d.note("tls", fmt.Sprintf("the certificate in TLS_CERT_FILE ends on %s: renew it", pair.Leaf.NotAfter.UTC().Format(time.DateOnly)))
	default:
		d.ok("tls", "the certificate is valid until "+pair.Leaf.NotAfter.UTC().Format(time.DateOnly))
	}
}

// logins asks the servers of other companies that logins need.
func (d *doctor) logins(ctx context.Context) {
	for _, c := range []struct{ variable, url, key string }{
		{"OIDC_ISSUER", d.cfg.OIDCIssuer, "authorization_endpoint"},
		{"AUTH_JWKS_URL", d.cfg.AuthJWKSURL, "keys"},
	} {
		if c.url == "" {
			continue
		}
		at := c.url
		if c.variable == "OIDC_ISSUER" {
			at = strings.TrimRight(at, "/") + "/.well-known/openid-configuration"
		}
		if err := d.expect(ctx, at, c.key); err != nil {
			d.fail("logins", fmt.Errorf("%s: %w: correct %s, or let this machine reach it", at, err, c.variable))
			continue
		}
		d.ok("logins", c.variable+" answers")
	}
}

// expect requests an address that must answer with a JSON object that has a key.
func (d *doctor) expect(ctx context.Context, at, key string) error {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // the address is in the message already
		}
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("it answers %s", res.Status)
	}
	var object map[string]json.RawMessage
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&object); err != nil || object[key] == nil {
		return fmt.Errorf("its answer is no JSON object with %q", key)
	}
	return nil
}

// search names the engines that can be asked, and asks the SearXNG server of SEARCH_CUSTOM_URL, if there is one.
func (d *doctor) search(ctx context.Context) {
	d.note("search", searchNote(d.cfg))
	if d.cfg.SearchCustomURL == "" {
		return
	}
	at := strings.TrimRight(d.cfg.SearchCustomURL, "/") + "/search?q=legwork&format=json"
	if err := d.expect(ctx, at, "results"); err != nil {
		d.fail("search", fmt.Errorf("SEARCH_CUSTOM_URL: %s: %w: SearXNG must run there, with json in search.formats of its settings.yml", at, err))
		return
	}
	d.ok("search", "SEARCH_CUSTOM_URL answers")
}

// lists reads the operator's lists of domains.
func (d *doctor) lists() {
	if _, err := page.OpenLists(d.cfg.AllowedDomainsFile, d.cfg.DisallowedDomainsFile, d.log); err != nil {
		d.fail("domains", fmt.Errorf("ALLOWED_DOMAINS_FILE and DISALLOWED_DOMAINS_FILE: %w", err))
	}
}

// parsers lets a parser process read a document, as workers do with each page.
func (d *doctor) parsers(ctx context.Context) {
	pool, err := sources.NewParsers(d.cfg, d.log)
	if err != nil {
		d.fail("parsers", err)
		return
	}
	defer pool.Close()
	at := &url.URL{Scheme: "https", Host: "doctor.invalid", Path: "/"}
	read, err := pool.Read(ctx, at, http.Header{"Content-Type": {"text/html"}}, []byte("<!doctype html><title>doctor</title><p>This sentence is read by a parser process.</p>"))
	if err == nil && !strings.Contains(read.Page.Text, "parser process") {
		err = errors.New("the text of a document was not found in it")
	}
	if err != nil {
		d.fail("parsers", fmt.Errorf("no document can be read, because a process of this program cannot start or has too little memory: %w", err))
		return
	}
	d.ok("parsers", "a process of its own has read a document")
}
