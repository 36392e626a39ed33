package logging

import (
	"log/slog"

	"legwork/internal/weburl"
)

// linkKey is the name of the one attribute that is not masked: the link with which the first owner of a server is made. The log is
// where the operator finds it.
const linkKey = "link"

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
	if masked := weburl.WithoutTokens(text); masked != text {
		a.Value = slog.StringValue(masked)
	}
	return a
}
