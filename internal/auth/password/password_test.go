package password

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cheap returns low costs, so that tests are fast.
func cheap() Params { return Params{MemoryKiB: 64, Passes: 1, Lanes: 1} }

func hasher(t testing.TB, p Params) *Hasher {
	t.Helper()
	h, err := NewHasher(p, 2)
	require.NoError(t, err)
	return h
}

func TestVerify(t *testing.T) {
	t.Parallel()
	h := hasher(t, cheap())
	phc, err := h.Hash(t.Context(), "correct horse battery staple")
	require.NoError(t, err)
	assert.Regexp(t, `^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, phc)
	again, err := h.Hash(t.Context(), "correct horse battery staple")
	require.NoError(t, err)
	assert.NotEqual(t, phc, again, "each hash has a salt of its own")

	for name, c := range map[string]struct {
		password, phc string
		ok            bool
	}{
		"right":             {"correct horse battery staple", phc, true},
		"wrong":             {"correct horse battery stable", phc, false},
		"empty":             {"", phc, false},
		"cut":               {"correct horse battery stapl", phc, false},
		"control character": {"correct horse\x00battery staple", phc, false},
		"huge":              {strings.Repeat("x", 1<<20), phc, false},
		"nobody":            {"correct horse battery staple", "", false},
		"the dummy's own":   {"the password of nobody", "", false},
	} {
		ok, outdated, err := h.Verify(t.Context(), c.password, c.phc)
		require.NoError(t, err, name)
		assert.Equal(t, c.ok, ok, name)
		assert.False(t, outdated, name)
	}
}

func TestVerifyTakesEverySpellingOfAPassword(t *testing.T) {
	t.Parallel()
	h := hasher(t, cheap())
	phc, err := h.Hash(t.Context(), "Zürich\u00a0bleibt grün")
	require.NoError(t, err)
	ok, _, err := h.Verify(t.Context(), "Zu\u0308rich bleibt gru\u0308n", phc)
	require.NoError(t, err)
	assert.True(t, ok, "decomposed letters and another space are the same password")
}

func TestVerifySaysWhenCostsHaveRisen(t *testing.T) {
	t.Parallel()
	phc, err := hasher(t, cheap()).Hash(t.Context(), "correct horse battery staple")
	require.NoError(t, err)
	for _, dear := range []Params{{MemoryKiB: 128, Passes: 1, Lanes: 1}, {MemoryKiB: 64, Passes: 2, Lanes: 1}} {
		ok, outdated, err := hasher(t, dear).Verify(t.Context(), "correct horse battery staple", phc)
		require.NoError(t, err)
		assert.True(t, ok && outdated)
	}
}

func TestVerifyRefusesDamagedHashes(t *testing.T) {
	t.Parallel()
	h := hasher(t, cheap())
	phc, err := h.Hash(t.Context(), "correct horse battery staple")
	require.NoError(t, err)
	for name, damaged := range map[string]string{
		"memory":      strings.Replace(phc, "m=64", "m=4194304", 1),
		"no memory":   strings.Replace(phc, "m=64", "m=0", 1),
		"passes":      strings.Replace(phc, "t=1", "t=1000", 1),
		"no passes":   strings.Replace(phc, "t=1", "t=0", 1),
		"lanes":       strings.Replace(phc, "p=1", "p=200", 1),
		"no lanes":    strings.Replace(phc, "p=1", "p=0", 1),
		"kind":        strings.Replace(phc, "argon2id", "argon2i", 1),
		"no salt":     strings.Join(append(strings.Split(phc, "$")[:4], "", strings.Split(phc, "$")[5]), "$"),
		"cut":         phc[:len(phc)/2],
		"long":        phc + strings.Repeat("A", 1000),
		"not a hash":  "swordfish",
		"bcrypt hash": "$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
	} {
		_, _, err := h.Verify(t.Context(), "correct horse battery staple", damaged)
		assert.ErrorIs(t, err, ErrMalformed, name)
	}
}

// TestHashingIsBounded checks that a caller gets ErrBusy while as many hashes as allowed are being computed.
func TestHashingIsBounded(t *testing.T) {
	t.Parallel()
	h := hasher(t, cheap())
	h.wait = time.Millisecond
	require.NoError(t, h.turns.Acquire(t.Context(), 2))
	_, _, err := h.Verify(t.Context(), "correct horse battery staple", "")
	require.ErrorIs(t, err, ErrBusy)
	_, err = h.Hash(t.Context(), "correct horse battery staple")
	require.ErrorIs(t, err, ErrBusy)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = h.Hash(ended, "correct horse battery staple")
	require.ErrorIs(t, err, context.Canceled)

	h.turns.Release(2)
	h.wait = time.Minute
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := h.Hash(t.Context(), "correct horse battery staple")
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.True(t, h.turns.TryAcquire(2), "every turn is given back")
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for password, wrong := range map[string]string{
		"":                         "at least 12",
		"tr0ub4dor&3":              "at least 12",
		"passwordpassword":         "easy to guess",
		"Password123456":           "easy to guess",
		"qwertyuiop[]":             "easy to guess",
		"1qaz2wsx3edc":             "easy to guess",
		"aaaaaaaaaaaaaaaaaaaa":     "easy to guess",
		"abcdefghijklmnop":         "easy to guess",
		"123456789012345":          "easy to guess",
		"iloveyou12345":            "easy to guess",
		"legworklegwork":           "easy to guess",
		"ada.lovelace@example.org": "easy to guess",
		"Lovelace1815!!":           "easy to guess",
		"Summer2024!!":             "easy to guess", "P@ssw0rdP@ssw0rd": "easy to guess", "drowssapdrowssap": "easy to guess", "letmeinletmein": "easy to guess",
		"qazwsxedcrfv": "easy to guess", "24121990241219": "easy to guess", "monkeydragon1": "easy to guess", "zyxwvutsrqponm": "easy to guess",
		"correct horse\nbattery staple":       "control characters",
		"\xff\xfe\xfd\xfc\xff\xfe\xfd\xfc...": "valid Unicode",
		strings.Repeat("correct horse ", 10):  "at most 128",
		strings.Repeat("😀x", 64):              "easy to guess", // 128 characters, all one pattern
		"correct horse battery staple":        "",
		"vier Möwen stritten um Brot":         "",
		"kX9#mQ2$vL7!":                        "",
		"七つの海を渡る風の音がする":                       "",
	} {
		got := Check(password, "ada.lovelace@example.org", "Ada Lovelace")
		if wrong == "" {
			assert.Empty(t, got, password)
		} else {
			assert.Contains(t, got, wrong, password)
		}
	}
}

// TestCheckIsFast bounds the time for passwords that match many patterns at once.
func TestCheckIsFast(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"a", "ab", "4@8({[<1!|0$5+7%2", "p@ssw0rd", "2011", "qwerty", "💣"} {
		began := time.Now()
		_ = Check(string([]rune(strings.Repeat(unit, MaxLength))[:MaxLength]))
		assert.Less(t, time.Since(began), 5*time.Second, unit)
	}
}

// FuzzPHC checks that a stored text of any content does not make verification panic, accept a wrong password, or
// exceed the bounds of the costs.
func FuzzPHC(f *testing.F) {
	h := hasher(f, cheap())
	phc, err := h.Hash(f.Context(), "correct horse battery staple")
	require.NoError(f, err)
	for _, seed := range []string{"", phc, h.dummy, "$argon2id$v=19$m=65536,t=3,p=2$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG", "$argon2id$$$$$", "$argon2id$v=19$m=0,t=0,p=0$$"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, stored string) {
		params, err := parse(stored)
		if err != nil {
			return
		}
		if params.Memory > maxMemoryKiB || params.Iterations > maxPasses || params.Memory < 8 || params.Iterations == 0 || params.Parallelism == 0 {
			t.Fatalf("out of bounds: %+v", params)
		}
		if params.Memory > 1024 || params.Iterations > 2 {
			return // valid, but too slow for this test
		}
		if ok, _, _ := h.Verify(t.Context(), "another password", stored); ok {
			t.Fatalf("accepted: %q", stored)
		}
	})
}
