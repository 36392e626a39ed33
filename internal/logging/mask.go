package logging

import (
	"log/slog"
	"regexp"
	"strings"
)

// linkKey is the name of the one attribute that is not masked: the link with which the first owner of a server is made. The log is
// where the operator finds it.
const linkKey = "link"

// token finds the value of a query parameter whose name is common for credentials, in an address that stands anywhere in a text.
var token = regexp.MustCompile(`(?i)([?&;](?:[a-z0-9_.-]*(?:token|secret|password|passwd|signature|credential)|(?:[a-z0-9_.-]*[_-])?(?:api[_-]?key|key|sig|auth|session|sid|ticket|jwt|pwd)|code)=)[^&;#\s"'<>]+`)

// withoutTokens implements slog.HandlerOptions.ReplaceAttr.
func withoutTokens(_ []string, a slog.Attr) slog.Attr {
	if a.Key == linkKey {
		return a
	}
	var text string
	switch v := a.Value.Any().(type) {
	case string:
		text = v
	case error:
		text = v.Error()
	default:
		return a
	}
	if !strings.ContainsAny(text, "?&;") || !strings.Contains(text, "=") {
		return a
	}
	if masked := token.ReplaceAllString(text, "${1}xxxxx"); masked != text {
		a.Value = slog.StringValue(masked)
	}
	return a
}
