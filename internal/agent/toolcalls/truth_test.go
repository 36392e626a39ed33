package toolcalls

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTruth(t *testing.T) {
	t.Parallel()
	spec := Named("screenshot")
	for raw, want := range map[string]any{`{"fullPage":true}`: true, `{"fullPage":"True"}`: true, `{"full_page":1}`: true, `{"FULLPAGE":"yes"}`: true, `{"fullPage":false}`: false,
		`{"fullPage":"no"}`: false, `{"fullPage":0}`: false, `{"fullPage":"maybe"}`: false, `{}`: nil, `{"fullPage":null}`: nil, `https://a.example`: nil} {
		args, err := spec.Arguments(raw)
		if raw == "https://a.example" {
			continue // the text is no JSON, and the model gets an error
		}
		require.NoError(t, err, raw)
		require.Equal(t, want, args["fullPage"], raw)
	}
}
