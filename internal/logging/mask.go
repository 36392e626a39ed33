package logging

import (
	"log/slog"

	"legwork/internal/weburl"
)

// linkKey is the key of the only attribute that is not masked: the set-up link with which the first owner of a server
// is created. The operator finds the link in the log.
const linkKey = "link"

// withoutTokens implements slog.HandlerOptions.ReplaceAttr. It masks tokens in URLs.
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
	if masked := weburl.WithoutTokens(text); masked != text {
		a.Value = slog.StringValue(masked)
	}
	return a
}
