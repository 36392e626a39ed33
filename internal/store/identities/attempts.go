package identities

import (
	"context"
	"time"

	"legwork/db"
	"legwork/internal/store"
)

// Lockout says after how many failed logins a subject (an e-mail address or a client address) must wait, and for how
// long.
type Lockout struct {
	Free int           // number of failures in a row before the first lock; each further failure locks the subject
	Base time.Duration // length of the first lock; each further lock lasts twice as long
	Most time.Duration // length of the longest lock
}

// CountAttempt counts a login attempt as failed before its password is checked. So attempts at the same time cannot
// exceed the limit together. After a success call ForgiveAttempt or ForgetAttempts. A positive wait means that the
// subject is locked for this time. Then the attempt was not counted, and the password must not be checked.
func (s *Store) CountAttempt(ctx context.Context, subject string, l Lockout) (wait time.Duration, err error) {
	seconds, err := s.q.CountAttempt(ctx, db.CountAttemptParams{Subject: subject, Free: int32(l.Free), BaseSeconds: l.Base.Seconds(), MostSeconds: l.Most.Seconds()})
	if err != nil || seconds == 0 {
		return 0, store.Translate(err)
	}
	return max(time.Second, time.Duration(seconds*float64(time.Second))), nil
}

// ForgiveAttempt removes the last attempt of a subject from the count. Earlier failures still count.
func (s *Store) ForgiveAttempt(ctx context.Context, subject string) error {
	return store.Translate(s.q.ForgiveAttempt(ctx, subject))
}

// ForgetAttempts removes all failures of a subject.
func (s *Store) ForgetAttempts(ctx context.Context, subject string) error {
	return store.Translate(s.q.ForgetAttempts(ctx, subject))
}
