package logging

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestErrorsOnly(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := ErrorsOnly(slog.New(slog.NewTextHandler(&b, nil)))
	log.Warn("job cancelled remotely")
	log.Error("out of order")
	require.NotContains(t, b.String(), "cancelled")
	require.Contains(t, b.String(), "out of order")
}
