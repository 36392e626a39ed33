package auth

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"legwork/internal/access"
	"legwork/internal/forwarded"
	"legwork/internal/store/identities"
)

// Method is one kind of credential.
type Method interface {
	// Credential returns the credential of this kind in a request. found is false when the request has none of this kind.
	Credential(r *http.Request) (credential string, found bool)
	// Check returns the rights of a credential. Its error is a *Rejected when the credential is not valid.
	Check(ctx context.Context, credential string) (Grant, error)
}

// Grant holds the rights of a valid credential.
type Grant struct {
	Principal   access.Principal
	AllowedNets []netip.Prefix // networks from which it may be used; empty means any
	Once        bool           // the credential is valid for one request, so the result of the check is not cached
}

// Rejected is the error of a credential that is not valid.
type Rejected struct {
	Reason string // a sentence for the client: what is wrong, and what to do
}

// Error implements error.
func (r *Rejected) Error() string { return r.Reason }

// Use is the last use of a credential. Uses are stored in batches.
type Use struct {
	Principal access.Principal
	At        time.Time
	From      netip.Addr // the zero address if unknown
}

// Config is what an Authenticator needs. All fields but Log and Remember are required.
type Config struct {
	Methods  []Method                                                        // asked in this order for the credential of a request
	Valid    func(ctx context.Context, p []access.Principal) ([]bool, error) // reports for each credential whether it may still be used with the same role
	Record   func(ctx context.Context, uses []Use) error                     // stores uses, at most one for each credential
	Remember time.Duration                                                   // how long the result of a check is cached; 0 means 30 s
	Log      *slog.Logger                                                    // nil: slog.Default()
}

// Defaults of the cache: how long the result of a check is cached, and the greatest number of results.
const (
	remembered = 30 * time.Second
	most       = 10_000
)

// Authenticator finds the caller of each request. Create one per process with New, and attach it to the listener of
// internal/stream, which passes on the notices of changed credentials.
type Authenticator struct {
	cfg   Config
	state *state
	uses  uses
}

// New returns an authenticator. It caches nothing until Listening is called.
func New(cfg Config) *Authenticator {
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Remember <= 0 {
		cfg.Remember = remembered
	}
	return &Authenticator{cfg: cfg, state: newState(), uses: uses{latest: map[string]Use{}}}
}

// errNoMethod is the error for an Authorization header that no method understands.
var errNoMethod = &Rejected{"This server does not know such an Authorization header; send Authorization: Bearer with an API key, which has the form lw_<id>_<secret>."}

// Authenticate returns the caller of a request. A request without a credential has an anonymous caller. Authenticate returns a
// *Rejected for a credential that is not valid, and another error when the credential could not be checked.
func (a *Authenticator) Authenticate(r *http.Request) (Caller, error) {
	address := forwarded.From(r.Context()).Address
	for i, m := range a.cfg.Methods {
		credential, found := m.Credential(r)
		if !found {
			continue
		}
		grant, checked, err := a.check(r.Context(), i, credential)
		if err != nil {
			return Caller{Address: address}, err
		}
		if !allowedFrom(grant.AllowedNets, address) {
			return Caller{Address: address}, &Rejected{fmt.Sprintf("This credential may not be used from %s; use it from one of its networks, or make another one.", address)}
		}
		a.uses.note(Use{Principal: grant.Principal, At: time.Now(), From: address})
		return Caller{Principal: grant.Principal, Address: address, checked: checked}, nil
	}
	if r.Header.Get("Authorization") != "" {
		return Caller{Address: address}, errNoMethod
	}
	return Caller{Principal: access.Principal{Kind: access.ByNobody}, Address: address}, nil
}

// check returns the rights of a credential, from the cache or by a new check. It also returns the number of notices
// that had been received before that check.
func (a *Authenticator) check(ctx context.Context, method int, credential string) (Grant, uint64, error) {
	hash := sha256.New()
	_, _ = fmt.Fprintf(hash, "%d ", method) // writing to a hash cannot fail
	_, _ = hash.Write([]byte(credential))
	id := outcomeID(hash.Sum(nil))
	grant, notices, found := a.state.recall(id, time.Now())
	if found {
		return grant, notices, nil
	}
	grant, err := a.cfg.Methods[method].Check(ctx, credential)
	if err != nil {
		return Grant{}, notices, err
	}
	if at := grant.Principal.ExpiresAt; at != nil && !at.After(time.Now()) {
		return Grant{}, notices, &Rejected{"This credential has expired; make a new one, or log in again."}
	}
	if !grant.Once {
		a.state.remember(id, grant, notices, a.cfg.Remember)
	}
	return grant, notices, nil
}

// allowedFrom reports whether a credential with these networks may be used from an address.
func allowedFrom(nets []netip.Prefix, from netip.Addr) bool {
	return len(nets) == 0 || slices.ContainsFunc(nets, func(n netip.Prefix) bool { return n.Contains(from) })
}

// Listening is called when this process begins to receive notices. The process may have missed earlier notices, so
// Listening checks the credentials of all open streams again. From then on, results of checks are cached. After an
// error the caller must try again with another connection.
func (a *Authenticator) Listening(ctx context.Context) error {
	a.state.listen()
	return a.recheck(ctx, a.state.watched())
}

// Lost is called when this process no longer receives notices. It clears the cache.
func (a *Authenticator) Lost() { a.state.lost() }

// Notified is called with the payload of each notice that is received.
func (a *Authenticator) Notified(payload string) { a.Changed(access.Notice(payload)) }

// Changed removes the credentials to which a notice applies from the cache, and ends their streams.
func (a *Authenticator) Changed(n access.Notice) {
	for _, w := range a.state.changed(n) {
		w.end()
	}
}

// errRecheck is joined to errors of recheck.
var errRecheck = errors.New("look up the credentials of open streams")

// recheck ends those streams whose credentials may not be used any more.
func (a *Authenticator) recheck(ctx context.Context, open []*watch) error {
	const batch = 1000
	for part := range slices.Chunk(open, batch) {
		principals := make([]access.Principal, len(part))
		for i, w := range part {
			principals[i] = w.principal
		}
		valid, err := a.cfg.Valid(ctx, principals)
		if err != nil {
			return fmt.Errorf("%w: %w", errRecheck, err)
		}
		for i, w := range part {
			if !valid[i] {
				w.end()
			}
		}
	}
	return nil
}

// Watch calls ended, once, when the credential of the request with the context ctx is revoked or expires. It may call ended
// before it returns. Call stop when the stream has closed.
func (a *Authenticator) Watch(ctx context.Context, ended func()) (stop func()) {
	c := CallerOf(ctx)
	w, missed := a.state.watch(c, ended)
	if missed { // a notice was received after the credential was checked
		check, cancel := context.WithTimeout(ctx, recheckTimeout)
		defer cancel()
		if a.recheck(check, []*watch{w}) != nil {
			w.end()
		}
	}
	return func() { a.state.unwatch(w) }
}

// recheckTimeout bounds the check of a credential that may have changed while its stream was opened.
const recheckTimeout = 2 * time.Second

// useInterval is how often uses of credentials are stored.
const useInterval = time.Minute

// Run stores the uses of credentials once a minute, and a last time when ctx ends.
func (a *Authenticator) Run(ctx context.Context) {
	tick := time.NewTicker(useInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			a.flush(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), recheckTimeout)
			defer cancel()
			a.flush(last)
			return
		}
	}
}

func (a *Authenticator) flush(ctx context.Context) {
	noted := a.uses.take()
	if len(noted) == 0 {
		return
	}
	if err := a.cfg.Record(ctx, noted); err != nil {
		a.cfg.Log.WarnContext(ctx, "the last uses of credentials could not be noted", "error", err)
	}
}

// Open returns an authenticator with these methods for the users, keys and sessions in a database. It receives the
// notices of changes that are made through st. Attach it to the process's listener, on the channel
// identities.Channel, so that it also receives the notices of other processes.
func Open(st *identities.Store, log *slog.Logger, methods ...Method) *Authenticator {
	record := func(ctx context.Context, uses []Use) error {
		var keys []identities.KeyUse
		for _, u := range uses {
			if u.Principal.KeyID != "" {
				keys = append(keys, identities.KeyUse{ID: u.Principal.KeyID, At: u.At, From: u.From})
			}
		}
		return st.KeysUsed(ctx, keys)
	}
	a := New(Config{Methods: methods, Valid: st.Valid, Record: record, Log: log})
	st.OnNotice(a.Changed)
	return a
}
