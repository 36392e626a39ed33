package identities

import (
	"context"
	"errors"

	"legwork/db"
	"legwork/internal/sealed"
)

// Resealed has the numbers of sealed secrets that Reseal has looked at.
type Resealed struct {
	Done    int // sealed again with the first key
	Current int // were sealed with the first key already
	Foreign int // are sealed with another key than those that Reseal has, or damaged; they stay as they are
}

// resealBatch is the number of rows that Reseal changes in one transaction.
const resealBatch = 500

// Reseal seals all secrets in the database with the first of the keys that are sealed with another of them. After it, the
// other keys are not needed any more. Servers may run meanwhile, if they have the same keys. A second call continues a
// call that failed.
func (s *Store) Reseal(ctx context.Context, keys *sealed.Keys) (Resealed, error) {
	var done Resealed
	after := []byte{}
	for {
		var last []byte
		var batch Resealed
		err := s.inTx(ctx, func(ctx context.Context, q *db.Queries) error {
			batch, last = Resealed{}, nil
			rows, err := q.LockChallenges(ctx, after, resealBatch)
			if err != nil {
				return err
			}
			for _, row := range rows {
				last = row.SecretHash
				if !keys.Stale(row.Box) {
					batch.Current++
					continue
				}
				box, err := keys.Reseal(row.Box, ChallengePlace(row.SecretHash, ChallengeKind(row.Kind)))
				if errors.Is(err, sealed.ErrUnknownKey) || errors.Is(err, sealed.ErrDamaged) {
					batch.Foreign++
					continue
				}
				if err != nil {
					return err
				}
				if err := q.ResealChallenge(ctx, box, row.SecretHash); err != nil {
					return err
				}
				batch.Done++
			}
			return nil
		})
		if err != nil || last == nil {
			return done, err
		}
		done.Done, done.Current, done.Foreign = done.Done+batch.Done, done.Current+batch.Current, done.Foreign+batch.Foreign
		after = last
	}
}
