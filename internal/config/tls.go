package config

import (
	"net/netip"
	"slices"
	"strings"
)

// WithoutTLS returns the configuration of a server that only legwork's own commands on this machine use.
func (c Config) WithoutTLS() Config {
	c.TLSCertFile, c.TLSKeyFile, c.TLSACMEDomains = "", "", nil
	return c
}

// TLS reports whether the API speaks TLS.
func (c Config) TLS() bool { return c.TLSCertFile != "" || len(c.TLSACMEDomains) > 0 }

func (v *validator) tls(c *Config) {
	v.require("TLS_CERT_FILE", (c.TLSCertFile == "") == (c.TLSKeyFile == "") && (c.TLSCertFile == "" || len(c.TLSACMEDomains) == 0))
	v.require("TLS_ACME_DOMAINS", !slices.ContainsFunc(c.TLSACMEDomains, func(d string) bool {
		_, notName := netip.ParseAddr(d)
		return notName == nil || !validHost(d) || !strings.Contains(strings.Trim(d, "."), ".") || strings.HasSuffix(d, ".")
	}))
	v.optional("TLS_ACME_EMAIL", c.TLSACMEEmail, func(s string) bool { return strings.Contains(s, "@") && printable(s, false) })
	v.optional("TLS_ACME_CA", c.TLSACMECA, func(s string) bool { return webURL(s, "https") })
}
