package identities

import (
	"context"
	"time"

	"legwork/db"
	"legwork/internal/store"
)

// Lockout says when failed logins of one subject (an e-mail address, a client address) make it wait.
type Lockout struct {
	Free int           // failures in a row from which on each one locks
	Base time.Duration // how long the first locks; each further one twice as long
	Most time.Duration // the longest time
}

// CountAttempt counts a login attempt as failed, before its password is looked at: attempts at the same time cannot pass the
// limit together. When the attempt turns out right, take it back with ForgiveAttempt or ForgetAttempts. A positive wait says
// that the subject is locked for so long; then nothing was counted and nothing must be tried.
func (s *Store) CountAttempt(ctx context.Context, subject string, l Lockout) (wait time.Duration, err error) {
	seconds, err := s.q.CountAttempt(ctx, db.CountAttemptParams{Subject: subject, Free: int32(l.Free), BaseSeconds: l.Base.Seconds(), MostSeconds: l.Most.Seconds()})
	if err != nil || seconds == 0 {
		return 0, store.Translate(err)
	}
	return max(time.Second, time.Duration(seconds*float64(time.Second))), nil
}

// ForgiveAttempt takes the last attempt of a subject back; the failures before it stay.
func (s *Store) ForgiveAttempt(ctx context.Context, subject string) error {
	return store.Translate(s.q.ForgiveAttempt(ctx, subject))
}

// ForgetAttempts removes all failures of a subject.
func (s *Store) ForgetAttempts(ctx context.Context, subject string) error {
	return store.Translate(s.q.ForgetAttempts(ctx, subject))
}
