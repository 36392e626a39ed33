package auth

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"legwork/internal/access"
)

// TestPoll revokes a credential in a process that receives no notices. Its stream must end soon, even after an outage.
func TestPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := testConfig(&header{name: "Key", check: func(c string) (Grant, error) { return keyGrant(c), nil }})
		var revoked, broken atomic.Bool
		cfg.Valid = func(_ context.Context, p []access.Principal) ([]bool, error) {
			if broken.Load() {
				return nil, errors.New("away")
			}
			out := make([]bool, len(p))
			for i := range p {
				out[i] = p[i].KeyID != "one" || !revoked.Load()
			}
			return out, nil
		}
		a := New(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		go a.Poll(ctx)
		ended := map[string]*atomic.Bool{}
		for _, key := range []string{"one", "two"} {
			c, err := a.Authenticate(request("Key", key))
			require.NoError(t, err)
			end := &atomic.Bool{}
			ended[key] = end
			defer a.Watch(With(t.Context(), c), func() { end.Store(true) })()
		}
		broken.Store(true)
		revoked.Store(true)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		assert.False(t, ended["one"].Load())
		broken.Store(false)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.True(t, ended["one"].Load())
		assert.False(t, ended["two"].Load())
		cancel()
	})
}
