package logging

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"legwork/internal/terminaltext"
)

// TestTokensInAddressesAreMasked checks that values of URL parameters with credentials are masked, wherever the URL
// is in a line.
func TestTokensInAddressesAreMasked(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"token", "access_token", "api_key", "apikey", "api-key", "key", "sig", "Signature", "X-Amz-Signature", "X-Amz-Credential", "client_secret", "password", "code", "session", "ticket", "auth"} {
		for _, format := range []string{"LOG_FORMAT=text", "LOG_FORMAT=json"} {
			address := "https://a.example/p?page=2&" + name + "=S3cret-Value%2F1&last=3#x"
			out, _ := open(t, func(l *slog.Logger) {
				l.Info("got "+address, "url", address, "error", errors.New("Get \""+address+"\": refused"), slog.Group("g", "u", "https://a.example/?"+name+"=S3cret-Value"))
			}, format)
			if strings.Contains(out, "S3cret") || strings.Count(out, "xxxxx") != 4 || !strings.Contains(out, "page=2") || strings.Count(out, "last=3") != 3 {
				t.Errorf("%s: %s", name, out)
			}
		}
	}
	out, _ := open(t, func(l *slog.Logger) {
		l.Info("x", "url", "https://a.example/?q=monkey=1&keyword=zoo&author=me&barcode=7&task=1", "link", "http://h/setup?token=once")
	})
	for _, kept := range []string{"monkey=1", "keyword=zoo", "author=me", "barcode=7", "token=once"} {
		if !strings.Contains(out, kept) {
			t.Errorf("%s is masked: %s", kept, out)
		}
	}
}

// TestConsoleIsPlain checks that no text in a log line can send a control character or an override of direction to the terminal.
func TestConsoleIsPlain(t *testing.T) {
	t.Parallel()
	const hostile = "x\x1b]0;title\a\u202ey\u009bz\x9b\x7f"
	for _, format := range []string{"LOG_FORMAT=text", "LOG_FORMAT=json"} {
		out, _ := open(t, func(l *slog.Logger) {
			l.Info("msg "+hostile, "url", hostile, "error", errors.New(hostile), hostile, 1, slog.Group("g"+hostile, "u", hostile))
		}, format)
		if terminaltext.Clean(out) != out || strings.Count(out, "title") < 5 {
			t.Errorf("%s: %q", format, out)
		}
	}
}
