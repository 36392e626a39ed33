package bearer

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/sync/singleflight"
)

const (
	fetchTimeout = 5 * time.Second
	// maxKeySet is the greatest size of a key set in bytes. maxKeys is the greatest number of keys that are used
	// from a set.
	maxKeySet, maxKeys = 256 << 10, 100
	// refreshAfter is the age at which keys are fetched again. A key that the issuer has withdrawn is refused after
	// at most this time.
	refreshAfter = 15 * time.Minute
	// retryAfter is the shortest time between two fetches.
	retryAfter = time.Minute
	// maxAge is how long keys are used if they cannot be fetched again.
	maxAge = 24 * time.Hour
)

// keySet is the issuer's public keys, by kid.
type keySet struct {
	url    string
	client *http.Client
	log    *slog.Logger
	now    func() time.Time
	fetch  singleflight.Group // so that there is one fetch at a time

	mu      sync.Mutex
	keys    map[string]jose.JSONWebKey
	fetched time.Time // time of the last successful fetch
	tried   time.Time // time of the last attempt to fetch
}

func newKeySet(url string, client *http.Client, log *slog.Logger) *keySet {
	return &keySet{url: url, client: client, log: log, now: time.Now}
}

// find returns the public key of a kid, if it may be used with the algorithm. It returns a known key at once, and fetches old keys
// again in the background. For an unknown kid it waits for a fetch, unless the last one was less than retryAfter ago.
func (k *keySet) find(ctx context.Context, kid, algorithm string) (any, error) {
	key, known, due, age := k.look(kid)
	if due && (!known || age > refreshAfter) {
		done := k.fetch.DoChan("", func() (any, error) { return nil, k.refresh(context.WithoutCancel(ctx)) })
		if !known || age > maxAge {
			select {
			case <-done:
			case <-ctx.Done():
				return nil, ctx.Err()
			}
			key, known, _, age = k.look(kid)
		}
	}
	switch {
	case age > maxAge:
		return nil, ErrNoKeys
	case !known:
		return nil, fmt.Errorf("%w: its issuer has no key of this kid", ErrInvalid)
	case key.Algorithm != "" && key.Algorithm != algorithm:
		return nil, fmt.Errorf("%w: its key is for %s", ErrInvalid, key.Algorithm)
	}
	return key.Key, nil
}

// look returns the cached key of a kid, whether the keys may be fetched now, and the age of the cached keys.
func (k *keySet) look(kid string) (key jose.JSONWebKey, known, due bool, age time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	key, known = k.keys[kid]
	return key, known, k.now().Sub(k.tried) >= retryAfter, k.now().Sub(k.fetched)
}

// refresh fetches the keys. After a failure the old keys stay in use.
func (k *keySet) refresh(ctx context.Context) error {
	k.mu.Lock()
	k.tried = k.now()
	k.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	keys, err := k.load(ctx)
	if err != nil {
		k.log.WarnContext(ctx, "the keys for access tokens cannot be fetched; check AUTH_JWKS_URL", "url", k.url, "error", err)
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys, k.fetched = keys, k.now()
	return nil
}

func (k *keySet) load(ctx context.Context) (map[string]jose.JSONWebKey, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, k.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/jwk-set+json, application/json")
	resp, err := k.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxKeySet+1))
	if err != nil {
		return nil, err
	}
	return parseKeys(body)
}

// parseKeys parses a key set. It leaves out the keys that must not be used to verify access tokens: keys without a
// kid, keys for encryption, keys that are not public keys (private and symmetric keys), and public keys that are weak
// or of a kind that is not accepted. It also leaves out keys beyond the first maxKeys.
func parseKeys(body []byte) (map[string]jose.JSONWebKey, error) {
	if len(body) > maxKeySet {
		return nil, fmt.Errorf("the key set has more than %d bytes", maxKeySet)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("no key set (RFC 7517): %w", err)
	}
	out := map[string]jose.JSONWebKey{}
	for _, raw := range set.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) != nil { // the library does not know this kind of key
			continue
		}
		if key.KeyID != "" && len(out) < maxKeys && (key.Use == "" || key.Use == "sig") && strong(key.Key) {
			out[key.KeyID] = key
		}
	}
	return out, nil
}

// strong reports whether a key is a public key of an accepted kind and size.
func strong(key any) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return k.N.BitLen() >= 2048 && k.N.BitLen() <= 8192
	case *ecdsa.PublicKey:
		return k.Curve == elliptic.P256()
	case ed25519.PublicKey:
		return len(k) == ed25519.PublicKeySize
	}
	return false
}
