package identities_test

import (
	"crypto/sha256"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"legwork/internal/research"
	"legwork/internal/sealed"
	"legwork/internal/store/identities"
)

func keysOf(t *testing.T, letters ...string) *sealed.Keys {
	t.Helper()
	var all []string
	for _, letter := range letters {
		all = append(all, strings.Repeat(letter, 32))
	}
	keys, err := sealed.Parse(strings.Join(all, ","))
	require.NoError(t, err)
	return keys
}

// TestReseal replaces a key: every secret can be opened with the new key alone afterwards, in its own place only. Secrets of
// other keys, expired ones and damaged ones stay as they are.
func TestReseal(t *testing.T) {
	b := setup(t)
	before, both, after, other := keysOf(t, "a"), keysOf(t, "b", "a"), keysOf(t, "b"), keysOf(t, "c")
	hashOf := func(name string) []byte { sum := sha256.Sum256([]byte(name)); return sum[:] }
	put := func(name string, keys *sealed.Keys) {
		box, err := keys.Seal([]byte("secret of "+name), identities.ChallengePlace(hashOf(name), identities.OpenIDLogin))
		require.NoError(t, err)
		require.NoError(t, b.CreateChallenge(b.ctx, hashOf(name), identities.OpenIDLogin, nil, box))
	}
	const many = 1200 // more than two batches
	for i := range many {
		put(strconv.Itoa(i), before)
	}
	put("new", both)
	put("foreign", other)
	put("moved", before)
	b.exec("UPDATE login_challenges SET kind = 'passkey_login' WHERE secret_hash = $1", hashOf("moved"))
	put("expired", before)
	b.exec("UPDATE login_challenges SET expires_at = now() WHERE secret_hash = $1", hashOf("expired"))

	n, err := b.Reseal(b.ctx, both)
	require.NoError(t, err)
	assert.Equal(t, identities.Resealed{Done: many, Current: 1, Foreign: 2}, n)
	n, err = b.Reseal(b.ctx, both)
	require.NoError(t, err)
	assert.Equal(t, identities.Resealed{Current: many + 1, Foreign: 2}, n, "nothing is left to do")

	for _, name := range []string{"0", strconv.Itoa(many - 1), "new"} {
		_, box, err := b.TakeChallenge(b.ctx, hashOf(name), identities.OpenIDLogin)
		require.NoError(t, err)
		secret, err := after.Open(box, identities.ChallengePlace(hashOf(name), identities.OpenIDLogin))
		require.NoError(t, err)
		assert.Equal(t, "secret of "+name, string(secret))
	}
	_, box, err := b.TakeChallenge(b.ctx, hashOf("foreign"), identities.OpenIDLogin)
	require.NoError(t, err)
	_, err = other.Open(box, identities.ChallengePlace(hashOf("foreign"), identities.OpenIDLogin))
	require.NoError(t, err)
	_, _, err = b.TakeChallenge(b.ctx, hashOf("expired"), identities.OpenIDLogin)
	require.ErrorIs(t, err, research.ErrNotFound)
}
