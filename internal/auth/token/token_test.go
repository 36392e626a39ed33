package token

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestToken(t *testing.T) {
	t.Parallel()
	made := New()
	read, err := Parse(made.Text())
	require.NoError(t, err)
	assert.Equal(t, made, read)
	assert.True(t, read.Secret.Matches(made.Secret.Hash()))
	assert.False(t, New().Secret.Matches(made.Secret.Hash()))
	assert.False(t, read.Secret.Matches(nil))
	assert.NotEqual(t, New().Text(), New().Text())
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	good := New().Text()
	id, secret, _ := strings.Cut(good, ".")
	for name, text := range map[string]string{
		"empty":         "",
		"no secret":     id,
		"empty secret":  id + ".",
		"no id":         "." + secret,
		"id in braces":  "{" + id + "}." + secret,
		"id without -":  strings.ReplaceAll(id, "-", "") + "." + secret,
		"upper case id": strings.ToUpper(id[:14]) + "F" + id[15:] + "." + secret,
		"short secret":  good[:len(good)-1],
		"long secret":   good + "A",
		"other letters": good[:len(good)-1] + "+",
		"loose bits":    good[:len(good)-1] + "B",
		"line break":    good[:len(good)-1] + "\n",
		"a third part":  good + ".x",
	} {
		_, err := Parse(text)
		assert.ErrorIs(t, err, ErrMalformed, name)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(New().Text())
	f.Add("")
	f.Add("00000000-0000-0000-0000-000000000000.")
	f.Fuzz(func(t *testing.T, text string) {
		token, err := Parse(text)
		if err == nil && token.Text() != text {
			t.Fatalf("%q is read as %q", text, token.Text())
		}
	})
}
