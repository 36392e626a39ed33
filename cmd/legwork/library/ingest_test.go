package library

import (
	"strings"
	"testing"

	"legwork/internal/ingest"
	"legwork/internal/terminaltext"
)

// TestIngestProgressIsPlain checks that an address or a reason from a site cannot send control characters to the terminal.
func TestIngestProgressIsPlain(t *testing.T) {
	t.Parallel()
	const hostile = "x\x1b]0;title\a\u202ey\u009b\x9b"
	for _, tty := range []bool{true, false} {
		var out strings.Builder
		show := &ingestProgress{w: &out, terminal: tty}
		show.item(ingest.Item{URL: "https://a.example/" + hostile, State: ingest.Failed, Reason: hostile})
		show.item(ingest.Item{URL: "https://a.example/" + hostile})
		text := strings.ReplaceAll(out.String(), "\r\x1b[K", "") // what the program itself sends
		if terminaltext.Clean(text) != text || !strings.Contains(text, "title") {
			t.Errorf("%q", text)
		}
	}
}
