package structured

import (
	"context"
	"strings"
)

// source is a reader of a text. When ctx has ended, it returns the error of ctx, so a parser that reads from the source stops.
type source struct {
	ctx  context.Context //nolint:containedctx // Read of io.Reader has no parameter for it
	text *strings.Reader
}

func newSource(ctx context.Context, text string) source { return source{ctx, strings.NewReader(text)} }

// maxRead is the greatest number of bytes that one call of Read returns. ctx is checked in each call.
const maxRead = 64 << 10

// Read implements io.Reader.
func (s source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.text.Read(p[:min(len(p), maxRead)])
}
