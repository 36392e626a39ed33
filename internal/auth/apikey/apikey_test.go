package apikey

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKey(t *testing.T) {
	t.Parallel()
	made := New()
	require.Regexp(t, `^lw_[a-z0-9]{16}_[A-Za-z0-9_-]{43}$`, made.Reveal())
	read, err := Parse(made.Reveal())
	require.NoError(t, err)
	assert.Equal(t, made, read)
	assert.Len(t, read.Hash, 32)
	assert.NotEqual(t, New().ID, made.ID)
	assert.NotEqual(t, New().Hash, made.Hash)
	secret := made.Reveal()[len(made.Reveal())-secretLength:]
	assert.NotContains(t, fmt.Sprintf("%v %s", made, made), secret)
	assert.NotContains(t, ErrMalformed.Error(), secret)
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := New().Reveal()
	for name, text := range map[string]string{
		"empty":         "",
		"prefix":        "lw_",
		"other prefix":  "lx_" + good[3:],
		"no secret":     good[:20],
		"upper case id": "lw_" + strings.ToUpper(strings.Repeat("a", 16)) + good[19:],
		"other joint":   good[:19] + "-" + good[20:],
		"short":         good[:len(good)-1],
		"long":          good + "A",
		"other letters": good[:len(good)-1] + "+",
		"line break":    good[:len(good)-1] + "\n",
		"loose bits":    good[:len(good)-1] + "B",
		"NUL":           good[:len(good)-1] + "\x00",
	} {
		_, err := Parse(text)
		assert.ErrorIs(t, err, ErrMalformed, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(New().Reveal())
	f.Add("")
	f.Add("lw_0123456789abcdef_" + strings.Repeat("A", 43))
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := Parse(text); err == nil && k.Reveal() != text {
			t.Fatalf("%q is read as %q", text, k.Reveal())
		}
	})
}
