package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

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

// Warnings returns sentences about settings that are valid but have no effect, or that depend on the working folder. The
// program logs them when it starts.
func (c Config) Warnings() []string {
	var out []string
	if c.LLMProvider == ProviderReader && (c.LLMAPIKey != "" || c.LLMBaseURL != "" || c.LLMModel != "") {
		out = append(out, "LLM_API_KEY, LLM_BASE_URL and LLM_MODEL have no effect with LLM_PROVIDER=reader")
	}
	return append(out, c.placeWarnings()...)
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
