package auth

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"legwork/internal/access"
	"legwork/internal/forwarded"
)

// header is a Method for tests. The credential is the value of the HTTP header with this name, and the test supplies
// the function that checks it. header counts the checks.
type header struct {
	name   string
	check  func(credential string) (Grant, error)
	checks atomic.Int64
}

func (h *header) Credential(r *http.Request) (string, bool) {
	return r.Header.Get(h.name), r.Header.Get(h.name) != ""
}

func (h *header) Check(_ context.Context, credential string) (Grant, error) {
	h.checks.Add(1)
	return h.check(credential)
}

func request(headers ...string) *http.Request { return requestFrom("192.0.2.7:4711", headers...) }

func requestFrom(remote string, headers ...string) (r *http.Request) {
	r = httptest.NewRequest(http.MethodGet, "/", nil)
	r.RemoteAddr = remote
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	forwarded.Proxies{}.Handler(http.HandlerFunc(func(_ http.ResponseWriter, known *http.Request) { r = known })).ServeHTTP(nil, r)
	return r
}

func keyGrant(id string) Grant {
	return Grant{Principal: access.Principal{Kind: access.ByKey, AccountID: "default", Role: access.Owner, KeyID: id, Scopes: []access.Scope{access.AdminScope}}}
}

func testConfig(methods ...Method) Config {
	return Config{Methods: methods,
		Valid:  func(_ context.Context, p []access.Principal) ([]bool, error) { return make([]bool, len(p)), nil },
		Record: func(context.Context, []Use) error { return nil }}
}

func TestFirstCredentialDecides(t *testing.T) {
	t.Parallel()
	first := &header{name: "First", check: func(c string) (Grant, error) {
		if c == "good" {
			return keyGrant("first"), nil
		}
		return Grant{}, &Rejected{"no"}
	}}
	second := &header{name: "Second", check: func(string) (Grant, error) { return keyGrant("second"), nil }}
	a := New(testConfig(first, second))

	c, err := a.Authenticate(request())
	require.NoError(t, err)
	assert.True(t, c.Anonymous())
	assert.Equal(t, netip.MustParseAddr("192.0.2.7"), c.Address)

	c, err = a.Authenticate(request("First", "good", "Second", "x"))
	require.NoError(t, err)
	assert.Equal(t, "first", c.KeyID)

	c, err = a.Authenticate(request("Second", "x"))
	require.NoError(t, err)
	assert.Equal(t, "second", c.KeyID)

	var rejected *Rejected
	c, err = a.Authenticate(request("First", "bad", "Second", "x"))
	require.ErrorAs(t, err, &rejected, "a bad credential is not made good by another one")
	assert.True(t, c.Anonymous())

	_, err = a.Authenticate(request("Authorization", "Basic dTpw"))
	require.ErrorAs(t, err, &rejected, "an unknown credential is not ignored")
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	nets := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	m := &header{name: "Key", check: func(string) (Grant, error) { g := keyGrant("k"); g.AllowedNets = nets; return g, nil }}
	a := New(testConfig(m))
	require.NoError(t, a.Listening(t.Context()))
	_, err := a.Authenticate(request("Key", "x"))
	require.NoError(t, err)
	var rejected *Rejected
	_, err = a.Authenticate(requestFrom("198.51.100.1:80", "Key", "x")) // the result of the check is cached by now
	require.ErrorAs(t, err, &rejected)
	assert.Contains(t, rejected.Reason, "198.51.100.1")
	_, err = a.Authenticate(requestFrom("@", "Key", "x")) // a Unix socket has no address
	require.ErrorAs(t, err, &rejected)
	_, err = a.Authenticate(requestFrom("[::ffff:192.0.2.7]:80", "Key", "x"))
	require.NoError(t, err, "an IPv4 address in IPv6 form")
}

func TestRemembering(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &header{name: "Key", check: func(c string) (Grant, error) {
			if c == "bad" {
				return Grant{}, &Rejected{"no"}
			}
			g := keyGrant(c)
			g.Once = c == "once"
			if c == "short" {
				end := time.Now().Add(5 * time.Second)
				g.Principal.ExpiresAt = &end
			}
			return g, nil
		}}
		a := New(testConfig(m))
		ask := func(key string, checks int64) {
			t.Helper()
			before := m.checks.Load()
			_, _ = a.Authenticate(request("Key", key))
			assert.Equal(t, checks, m.checks.Load()-before, "checks of %s", key)
		}
		ask("a", 1)
		ask("a", 1) // nothing is cached while this process receives no notices
		require.NoError(t, a.Listening(t.Context()))
		ask("a", 1)
		ask("a", 0)
		ask("b", 1)
		ask("bad", 1)
		ask("bad", 1) // refusals are not cached
		ask("once", 1)
		ask("once", 1)
		a.Notified(string(access.KeyChanged("a")))
		ask("a", 1)
		ask("b", 0)
		time.Sleep(29 * time.Second)
		ask("b", 0)
		time.Sleep(time.Second)
		ask("b", 1)
		ask("short", 1)
		time.Sleep(4999 * time.Millisecond)
		ask("short", 0)
		time.Sleep(time.Millisecond)
		ask("short", 1)
		a.Lost()
		ask("b", 1)
		ask("b", 1)
	})
}

func TestExpiredGrant(t *testing.T) {
	t.Parallel()
	past := time.Now().Add(-time.Second)
	a := New(testConfig(&header{name: "Key", check: func(string) (Grant, error) {
		g := keyGrant("k")
		g.Principal.ExpiresAt = &past
		return g, nil
	}}))
	var rejected *Rejected
	_, err := a.Authenticate(request("Key", "x"))
	require.ErrorAs(t, err, &rejected)
}

// TestNobodyIsTakenForWhatWasBefore changes the rights of keys while many goroutines use them. A request that begins
// after a notice was processed must never get the rights from before the change.
func TestNobodyIsTakenForWhatWasBefore(t *testing.T) {
	t.Parallel()
	const keys, changes = 4, 4000
	var current [keys]atomic.Int64 // the version of each key in the "database"
	m := &header{name: "Key", check: func(c string) (Grant, error) {
		i := int(c[0] - '0')
		version := current[i].Load()
		if rand.N(2) == 0 { // the database answers with a random delay
			for range rand.N(200) {
				runtime.Gosched()
			}
		}
		g := keyGrant(c)
		g.Principal.AccountID = string(rune(version))
		return g, nil
	}}
	a := New(testConfig(m))
	require.NoError(t, a.Listening(t.Context()))
	var announced [keys]atomic.Int64 // the version whose notice has been processed, for each key
	var users sync.WaitGroup
	stop := make(chan struct{})
	for range 8 {
		users.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				i := rand.N(keys)
				least := announced[i].Load()
				c, err := a.Authenticate(request("Key", string(rune('0'+i))))
				if err != nil || int64([]rune(c.AccountID)[0]) < least {
					t.Errorf("key %d: version %d after the notice of %d (%v)", i, []rune(c.AccountID)[0], least, err)
					return
				}
			}
		})
	}
	for n := range changes {
		for range rand.N(20) {
			runtime.Gosched()
		}
		i := rand.N(keys)
		version := current[i].Add(1)
		if n%50 == 49 {
			a.Lost()
			assert.NoError(t, a.Listening(t.Context()))
		} else {
			a.Notified(string(access.KeyChanged(string(rune('0' + i)))))
		}
		announced[i].Store(version)
	}
	close(stop)
	users.Wait()
	assert.Less(t, m.checks.Load(), int64(1_000_000))
}

func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		user := uuid.New()
		end := time.Now().Add(time.Minute)
		m := &header{name: "Key", check: func(c string) (Grant, error) {
			g := keyGrant(c)
			if c == "ends" {
				g.Principal.ExpiresAt = &end
			}
			g.Principal.UserID = &user
			return g, nil
		}}
		cfg := testConfig(m)
		var gone atomic.Value // a key that Valid refuses
		gone.Store("")
		var broken atomic.Bool
		cfg.Valid = func(_ context.Context, p []access.Principal) ([]bool, error) {
			if broken.Load() {
				return nil, errors.New("away")
			}
			out := make([]bool, len(p))
			for i := range p {
				out[i] = p[i].KeyID != gone.Load()
			}
			return out, nil
		}
		a := New(cfg)
		require.NoError(t, a.Listening(t.Context()))
		open := func(key string) (ended *atomic.Bool, stop func()) {
			c, err := a.Authenticate(request("Key", key))
			require.NoError(t, err)
			ended = &atomic.Bool{}
			return ended, a.Watch(With(t.Context(), c), func() { ended.Store(true) })
		}
		one, stopOne := open("one")
		two, stopTwo := open("two")
		ends, stopEnds := open("ends")
		a.Notified(string(access.KeyChanged("one")))
		assert.True(t, one.Load())
		assert.False(t, two.Load())
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.True(t, ends.Load(), "its credential has expired")
		assert.False(t, two.Load())

		// The credential "three" is revoked while this process receives no notices. Its stream does not end at once. It
		// ends when the process receives notices again, because Listening then checks the credentials of all open streams.
		three, stopThree := open("three")
		a.Lost()
		gone.Store("three")
		assert.False(t, three.Load())
		broken.Store(true)
		require.Error(t, a.Listening(t.Context()))
		a.Lost()
		broken.Store(false)
		require.NoError(t, a.Listening(t.Context()))
		assert.True(t, three.Load())
		assert.False(t, two.Load())

		// This notice is received after the credential was checked and before its stream is watched.
		late, err := a.Authenticate(request("Key", "four"))
		require.NoError(t, err)
		gone.Store("four")
		a.Notified(string(access.KeyChanged("four")))
		var ended atomic.Bool
		stopLate := a.Watch(With(t.Context(), late), func() { ended.Store(true) })
		assert.True(t, ended.Load())

		a.Notified(string(access.UserChanged(user)))
		assert.True(t, two.Load())
		for _, stop := range []func(){stopOne, stopTwo, stopEnds, stopThree, stopLate} {
			stop()
		}
		assert.Empty(t, a.state.watched())
	})
}

func TestUsesAreNotedInBatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := &header{name: "Key", check: func(c string) (Grant, error) { return keyGrant(c), nil }}
		cfg := testConfig(m)
		var batches [][]Use
		cfg.Record = func(_ context.Context, uses []Use) error { batches = append(batches, uses); return nil }
		a := New(cfg)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); a.Run(ctx) }()
		for range 3 {
			_, _ = a.Authenticate(request("Key", "a"))
		}
		_, _ = a.Authenticate(request("Key", "b"))
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, batches, 1)
		assert.Len(t, batches[0], 2)
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Len(t, batches, 1, "nothing was used")
		_, _ = a.Authenticate(request("Key", "a"))
		cancel()
		<-done
		require.Len(t, batches, 2, "the last uses are noted at the end")
		assert.Equal(t, "a", batches[1][0].Principal.KeyID)
	})
}

func TestOff(t *testing.T) {
	t.Parallel()
	c, err := Off{}.Authenticate(request("Authorization", "Bearer nonsense"))
	require.NoError(t, err)
	assert.Equal(t, access.ByOff, c.Kind)
	assert.Equal(t, access.Owner, c.Role)
	Off{}.Watch(With(t.Context(), c), func() { t.Error("nothing ends") })()
}

func TestBearer(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"Bearer a": "a", "bearer a": "a", "BEARER  a ": "a", "Basic a": "", "Bearer": "", "": "", "a": ""} {
		got, found := Bearer(request("Authorization", text))
		assert.Equal(t, want, got, text)
		assert.Equal(t, want != "", found, text)
	}
}

func TestCallerOfNoRequest(t *testing.T) {
	t.Parallel()
	c := CallerOf(t.Context())
	assert.True(t, c.Anonymous())
	assert.Empty(t, c.AccountID)
}

// TestChangeDuringACheck checks a credential that changes after the database has answered the check. The request that
// asked for the check may get the old rights, but later requests must not.
func TestChangeDuringACheck(t *testing.T) {
	t.Parallel()
	account := "before"
	var during func()
	m := &header{name: "Key", check: func(c string) (Grant, error) {
		g := keyGrant(c)
		g.Principal.AccountID = account
		if during != nil {
			during()
		}
		return g, nil
	}}
	a := New(testConfig(m))
	require.NoError(t, a.Listening(t.Context()))
	for _, change := range map[string]func(){
		"notice":     func() { a.Notified(string(access.KeyChanged("k"))) },
		"connection": func() { a.Lost(); assert.NoError(t, a.Listening(t.Context())) },
	} {
		account = "before"
		a.Changed(access.Everybody)
		during = func() { during = nil; account = "after"; change() }
		c, err := a.Authenticate(request("Key", "k"))
		require.NoError(t, err)
		assert.Equal(t, "before", c.AccountID)
		c, err = a.Authenticate(request("Key", "k"))
		require.NoError(t, err)
		assert.Equal(t, "after", c.AccountID)
	}
}
