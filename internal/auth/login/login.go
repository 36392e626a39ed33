package login

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"time"

	"github.com/google/uuid"

	"legwork/internal/auth/password"
	"legwork/internal/auth/token"
	"legwork/internal/research"
	"legwork/internal/store/identities"
)

// Refusals of logins. Test with errors.Is.
var (
	// ErrWrong means that the e-mail address or the password is wrong, or that the user may not log in.
	ErrWrong = errors.New("wrong e-mail address or password")
	// ErrNoPassword means that the user has no password that could be checked or changed.
	ErrNoPassword = errors.New("the user has no password")
	// ErrNoAccount means that the user is a member of no account.
	ErrNoAccount = errors.New("the user is a member of no account")
	// ErrTooOld means that the session began too long ago to prove that the user is still the person at the browser.
	ErrTooOld = errors.New("the login is too old")
)

// Locked means that too many logins have failed.
type Locked struct {
	Wait time.Duration // time until the next login may be tried
}

// Error implements error.
func (l Locked) Error() string { return "too many failed logins; wait " + l.Wait.String() }

// Client is the browser that logs in.
type Client struct {
	Address   netip.Addr // the zero address if unknown
	UserAgent string
}

func (c Client) actor() identities.Actor {
	return identities.Actor{Kind: identities.ByAnonymous, Address: c.Address}
}

// Started is a session that has begun.
type Started struct {
	Token     token.Token // for the cookie
	ExpiresAt time.Time
	UserID    uuid.UUID
	AccountID string
}

// Service logs users in.
type Service struct {
	store     *identities.Store
	passwords *password.Hasher
	lifetime  time.Duration
	log       *slog.Logger
}

// New returns a Service. A session that it starts ends after lifetime at the latest.
func New(store *identities.Store, passwords *password.Hasher, lifetime time.Duration, log *slog.Logger) *Service {
	return &Service{store: store, passwords: passwords, lifetime: lifetime, log: log}
}

// lockouts returns the rules for the wait after failed logins, of an e-mail address and of a client address.
func lockouts() (email, address identities.Lockout) {
	const base, longest = 10 * time.Second, 15 * time.Minute
	return identities.Lockout{Free: 5, Base: base, Most: longest}, identities.Lockout{Free: 20, Base: base, Most: longest}
}

// addressSubject returns the subject under which failed logins of a client address are counted. For IPv6 it is the network of
// 64 bits, because one client can use all addresses in it.
func addressSubject(a netip.Addr) string {
	if !a.IsValid() {
		return "address:unknown"
	}
	if a.Is6() && !a.Is4In6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return "address:" + p.String()
		}
	}
	return "address:" + a.Unmap().String()
}

func emailSubject(email string) string { return "email:" + email }

// Password logs a user in by password. It refuses with ErrWrong, Locked or password.ErrBusy. old is the previous
// session of the browser, or nil; it is ended.
func (s *Service) Password(ctx context.Context, c Client, email, pass string, old *uuid.UUID) (Started, error) {
	user, err := s.verify(ctx, c, email, pass)
	if err != nil {
		return Started{}, err
	}
	return s.Start(ctx, c, user, "password", old)
}

// verify returns the user with an e-mail address, if the password is correct.
func (s *Service) verify(ctx context.Context, c Client, email, pass string) (identities.User, error) {
	forEmail, forAddress := lockouts()
	for _, limit := range []struct {
		subject string
		lockout identities.Lockout
	}{{addressSubject(c.Address), forAddress}, {emailSubject(email), forEmail}} {
		wait, err := s.store.CountAttempt(ctx, limit.subject, limit.lockout)
		if err != nil {
			return identities.User{}, err
		}
		if wait > 0 {
			return identities.User{}, Locked{Wait: wait}
		}
	}
	user, err := s.store.UserByEmail(ctx, email)
	if err != nil && !errors.Is(err, research.ErrNotFound) {
		return identities.User{}, err
	}
	right, outdated, err := s.passwords.Verify(ctx, pass, user.PasswordHash)
	switch {
	case errors.Is(err, password.ErrBusy):
		return identities.User{}, errors.Join(err, s.store.ForgiveAttempt(ctx, emailSubject(email)), s.store.ForgiveAttempt(ctx, addressSubject(c.Address)))
	case err != nil:
		return identities.User{}, fmt.Errorf("check the password of user %s: %w", user.ID, err)
	case !right || user.Disabled:
		// The failed login is recorded whether or not there is such a user, so that both cases take the same time.
		target := ""
		if user.ID != uuid.Nil {
			target = user.ID.String()
		}
		if err := s.store.Record(ctx, c.actor(), identities.Entry{Action: "login.fail", Target: target}); err != nil {
			return identities.User{}, err
		}
		return identities.User{}, ErrWrong
	}
	if err := errors.Join(s.store.ForgetAttempts(ctx, emailSubject(email)), s.store.ForgiveAttempt(ctx, addressSubject(c.Address))); err != nil {
		return identities.User{}, err
	}
	if outdated {
		s.rehash(ctx, user, pass)
	}
	return user, nil
}

// rehash stores a hash of the password that is computed with the present costs. A failure is only logged, because the
// next login tries it again.
func (s *Service) rehash(ctx context.Context, user identities.User, pass string) {
	hash, err := s.passwords.Hash(ctx, pass)
	if err == nil {
		err = s.store.RehashPassword(ctx, user.ID, user.PasswordHash, hash)
	}
	if err != nil {
		s.log.WarnContext(ctx, "a password could not be hashed again with higher costs", "user", user.ID, "error", err)
	}
}

// Start creates a session for a user whose identity was checked, in the account of the user's oldest membership. method is the
// kind of login, for the audit log. Start returns ErrWrong when the user may not log in, and ErrNoAccount when the user is a
// member of no account.
func (s *Service) Start(ctx context.Context, c Client, user identities.User, method string, old *uuid.UUID) (Started, error) {
	if user.Disabled {
		return Started{}, ErrWrong
	}
	accounts, err := s.store.Memberships(ctx, user.ID)
	if err != nil {
		return Started{}, err
	}
	if len(accounts) == 0 {
		return Started{}, ErrNoAccount
	}
	started := Started{Token: token.New(), UserID: user.ID, AccountID: accounts[0].AccountID}
	by := identities.Actor{Kind: identities.ByUser, ID: user.ID.String(), Address: c.Address}
	started.ExpiresAt, err = s.store.StartSession(ctx, by, s.session(c, started, method))
	if err != nil {
		return Started{}, err
	}
	return started, s.end(ctx, by, user.ID, old)
}

func (s *Service) session(c Client, started Started, method string) identities.NewSession {
	return identities.NewSession{ID: started.Token.ID, SecretHash: started.Token.Secret.Hash(), UserID: started.UserID, AccountID: started.AccountID,
		Lifetime: s.lifetime, Address: c.Address, UserAgent: plainText(c.UserAgent), Method: method}
}

// end ends the previous session of the browser, if it belongs to the same user.
func (s *Service) end(ctx context.Context, by identities.Actor, user uuid.UUID, old *uuid.UUID) error {
	if old == nil {
		return nil
	}
	err := s.store.RevokeSession(ctx, by, user, *old)
	if errors.Is(err, research.ErrNotFound) {
		return nil
	}
	return err
}

// ChangePassword replaces the password of a user if the current one is correct. It ends all sessions of the user
// except keep, the session of the caller. It returns a research.ValidationError if the new password is not good
// enough.
func (s *Service) ChangePassword(ctx context.Context, c Client, id, keep uuid.UUID, current, next string) error {
	user, err := s.store.User(ctx, id)
	if err != nil {
		return err
	}
	if user.PasswordHash == "" {
		return ErrNoPassword
	}
	if err := checkNew("newPassword", next, user.Email, user.Name); err != nil {
		return err
	}
	if _, err := s.verify(ctx, c, user.Email, current); err != nil {
		return err
	}
	if next == current {
		var v research.ValidationError
		v.Add("newPassword", "must differ from the current password")
		return v.Err()
	}
	hash, err := s.passwords.Hash(ctx, next)
	if err != nil {
		return err
	}
	by := identities.Actor{Kind: identities.ByUser, ID: user.ID.String(), Address: c.Address}
	return s.store.SetPassword(ctx, by, user.ID, hash, &keep)
}

// checkNew refuses a new password that is not good enough.
func checkNew(field, pass string, contextWords ...string) error {
	var v research.ValidationError
	if wrong := password.Check(pass, contextWords...); wrong != "" {
		v.Add(field, "%s", wrong)
	}
	return v.Err()
}
