package config

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrInsecure is the error of a server that has no access control and that other machines can reach. It does not start.
var ErrInsecure = errors.New("AUTH_MODE=off lets everybody who reaches API_HOST:API_PORT read, ask and delete everything; set API_HOST=127.0.0.1, " +
	"or AUTH_MODE=required, or, where nobody else can reach the port, AUTH_ALLOW_INSECURE=1")

// Insecure reports whether everybody on the network may use the API, because access control is off and API_HOST is
// not a loopback address.
func (c Config) Insecure() bool {
	if c.AuthMode != AuthOff || c.APIHost == "localhost" {
		return false
	}
	addr, err := netip.ParseAddr(c.APIHost)
	return err != nil || !addr.Unmap().IsLoopback()
}

// ListenAddr returns API_HOST and API_PORT in the form of net.Listen.
func (c Config) ListenAddr() string {
	return net.JoinHostPort(c.APIHost, strconv.Itoa(c.APIPort))
}

// ListenNetwork returns the network of net.Listen for API_HOST. Go listens on IPv6 addresses too for the address 0.0.0.0,
// unless the network is tcp4. For :: the network tcp takes both.
func (c Config) ListenNetwork() string {
	if addr, err := netip.ParseAddr(c.APIHost); err == nil && addr.Is4() {
		return "tcp4"
	}
	return "tcp"
}

// LocalURL returns the URL at which programs on this machine reach a server with this configuration.
func (c Config) LocalURL() string {
	host, scheme := c.APIHost, "http://"
	if addr, err := netip.ParseAddr(host); err == nil && addr.IsUnspecified() {
		host = "127.0.0.1"
	}
	if c.TLS() {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, strconv.Itoa(c.APIPort))
}

// withoutBrackets removes the brackets that an IPv6 address has in a URL, and writes an IPv4 address in its own form.
func withoutBrackets(host string) string {
	bare := host
	if inner, ok := strings.CutPrefix(host, "["); ok && strings.HasSuffix(inner, "]") {
		bare = strings.TrimSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(bare)
	switch {
	case err == nil && addr.Is4In6():
		return addr.Unmap().String()
	case err == nil && addr.Is6():
		return bare
	}
	return host
}

// Retention returns RETENTION_DAYS as a duration. 0 means that tasks are kept for ever.
func (c Config) Retention() time.Duration { return time.Duration(c.RetentionDays) * 24 * time.Hour }

// UserAgent returns the User-Agent header (RFC 9110 §10.1.5) of page requests. version is the version of legwork.
func (c Config) UserAgent(version string) string {
	switch {
	case c.FetchUserAgent != "":
		return c.FetchUserAgent
	case c.FetchContactURL != "":
		return "legwork/" + version + " (+" + c.FetchContactURL + ")"
	default:
		return "legwork/" + version
	}
}

// Warnings returns sentences about settings that are valid but have no effect, lack another setting, or depend on the working
// folder. The program logs them when it starts.
func (c Config) Warnings() []string {
	var out []string
	if c.LLMProvider == ProviderReader && (c.LLMAPIKey != "" || c.LLMBaseURL != "" || c.LLMModel != "") {
		out = append(out, "LLM_API_KEY, LLM_BASE_URL and LLM_MODEL have no effect with LLM_PROVIDER=reader")
	}
	return append(append(out, c.placeWarnings()...), c.engineWarnings()...)
}

// engineWarnings returns sentences about search engines that cannot be asked although the configuration names them. The
// default lists name engines that only some installations have, so they are no reason to warn.
func (c Config) engineWarnings() []string {
	var out []string
	named := func(engine string) string { // like "SEARCH_ENGINES names google"; empty when only default lists do
		var where []string
		for _, l := range []struct {
			variable string
			engines  []string
		}{{"SEARCH_ENGINES", c.SearchEngines}, {"SEARCH_FALLBACK", c.SearchFallback}} {
			if strings.Join(l.engines, ",") != fieldOf(l.variable).Tag.Get("envDefault") && slices.Contains(l.engines, engine) {
				where = append(where, l.variable)
			}
		}
		switch len(where) {
		case 0:
			return ""
		case 1:
			return where[0] + " names " + engine
		}
		return strings.Join(where, " and ") + " name " + engine
	}
	if which := named("google"); which != "" && c.GoogleAPIKey == "" {
		out = append(out, which+", which cannot be asked without GOOGLE_API_KEY and GOOGLE_SEARCH_ENGINE_ID")
	}
	if which := named("custom"); which != "" && c.SearchCustomURL == "" {
		out = append(out, which+", which cannot be asked without SEARCH_CUSTOM_URL")
	}
	if !slices.Contains(c.SearchEngines, "google") && c.GoogleAPIKey != "" {
		out = append(out, "GOOGLE_API_KEY has no effect, because SEARCH_ENGINES does not name google")
	}
	if !slices.Contains(c.SearchEngines, "custom") && c.SearchCustomURL != "" {
		out = append(out, "SEARCH_CUSTOM_URL has no effect, because SEARCH_ENGINES does not name custom")
	}
	return out
}

// Provider returns LLM_PROVIDER, unless it is auto. For auto it returns the provider whose keys look like
// LLM_API_KEY. For any other key, and for a base URL without a key, it returns openai. If there is neither key nor
// base URL, it returns auto, and the caller looks for a model server on this machine.
func (c Config) Provider() Provider {
	key := c.LLMAPIKey.Reveal()
	switch {
	case c.LLMProvider != ProviderAuto:
		return c.LLMProvider
	case strings.HasPrefix(key, "sk-ant-"):
		return ProviderAnthropic
	case strings.HasPrefix(key, "AIza"):
		return ProviderGoogleAI
	case key != "" || c.LLMBaseURL != "":
		return ProviderOpenAI
	}
	return ProviderAuto
}
