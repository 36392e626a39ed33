package structured

import (
	"context"
	"strings"
)

// source reads a text until ctx ends, and then gives the error of ctx. So every parser that reads from it gives up with ctx.
type source struct {
	ctx  context.Context //nolint:containedctx // io.Reader has no place for it
	text *strings.Reader
}

func newSource(ctx context.Context, text string) source { return source{ctx, strings.NewReader(text)} }

// maxRead is how many bytes a parser gets at once. It looks at ctx as often.
const maxRead = 64 << 10

// Read implements io.Reader.
func (s source) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.text.Read(p[:min(len(p), maxRead)])
}
