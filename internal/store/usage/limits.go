package usage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/store"
)

// Store counts what accounts and keys use, and decides which waiting task runs next. Make one per process with New.
type Store struct {
	store    *store.Store
	q        *db.Queries
	defaults []byte // limits of accounts that have none of their own, as the functions of the database take them
}

// New returns the counts in the database of st.
func New(st *store.Store) (*Store, error) {
	defaults, err := json.Marshal(st.Limits())
	if err != nil {
		return nil, fmt.Errorf("encode limits: %w", err)
	}
	return &Store{store: st, q: db.New(st.DB()), defaults: defaults}, nil
}

// Admit admits a submission by one of an account's API keys (empty: none) and counts it. It returns a *research.LimitError
// when a limit of the account or of the key refuses it, and research.ErrQueueFull when maxWaiting tasks wait (0: any number
// may). Then the transaction must be rolled back. Submissions at the same moment do not see each other's waiting tasks, so
// maxWaiting may be exceeded by as many as there are at once. The limits are never exceeded.
func (s *Store) Admit(ctx context.Context, tx pgx.Tx, account, key string, maxWaiting int) error {
	row, err := s.q.WithTx(tx).AdmitTask(ctx, db.AdmitTaskParams{CountWaiting: maxWaiting > 0, Account: account, Key: key, Defaults: s.defaults})
	switch {
	case err != nil:
		return store.Translate(err)
	case maxWaiting > 0 && row.Waiting >= int64(maxWaiting):
		return fmt.Errorf("%w: %d tasks wait", research.ErrQueueFull, row.Waiting)
	case row.Refused != "":
		return research.LimitName(row.Refused).Exceeded(row.ByKey, row.Most, row.ResetsAt)
	}
	return nil
}

// Limits gives the limits of an account, or of one of its API keys if key is not empty. own is false when they are those of
// the configuration, or when the key has none.
func (s *Store) Limits(ctx context.Context, account, key string) (limits research.UsageLimits, own bool, err error) {
	row, err := s.q.Limits(ctx, account, key)
	if errors.Is(err, pgx.ErrNoRows) {
		if key == "" {
			limits = s.store.Limits()
		}
		return limits, false, nil
	}
	return research.UsageLimits{TasksPerHour: row.TasksPerHour, TasksPerDay: row.TasksPerDay, ConcurrentRuns: row.ConcurrentRuns,
		OpenStreams: row.OpenStreams, PagesPerMonth: row.PagesPerMonth, TokensPerMonth: row.TokensPerMonth,
		MicrodollarsPerMonth: row.MicrodollarsPerMonth}, true, store.Translate(err)
}

// Used tells what an account, or one of its API keys if key is not empty, has used.
func (s *Store) Used(ctx context.Context, account, key string) (research.LimitUsage, error) {
	u, err := s.q.LimitUsage(ctx, account, key, streamsFresh.Seconds())
	if err != nil {
		return research.LimitUsage{}, store.Translate(err)
	}
	return research.LimitUsage{TasksThisHour: u.TasksThisHour, TasksToday: u.TasksToday, Runs: u.Runs, Streams: u.Streams,
		Pages: u.Pages, Tokens: u.Tokens, Microdollars: u.Microdollars,
		PagesReserved: u.PagesReserved, TokensReserved: u.TokensReserved, MicrodollarsReserved: u.MicrodollarsReserved,
		HourResetsAt: u.HourResetsAt, DayResetsAt: u.DayResetsAt, MonthResetAt: u.MonthResetsAt}, nil
}

// streamsFresh is how old the count of a process's open streams may be; after that the process counts as dead.
const streamsFresh = 30 * time.Second

// openStream counts a stream that a process opens for an account, by one of its API keys (empty: none). It is not counted while
// nothing limits streams of the account. The error is a *research.LimitError when as many are open as may be.
func (s *Store) openStream(ctx context.Context, process uuid.UUID, account, key string) (counted bool, err error) {
	row, err := s.q.OpenStream(ctx, db.OpenStreamParams{Process: process, Account: account, Key: key, Defaults: s.defaults, FreshSeconds: streamsFresh.Seconds()})
	if err != nil || !row.Refused {
		return row.Counted, store.Translate(err)
	}
	subject := "account"
	if row.ByKey {
		subject = "API key"
	}
	return false, &research.LimitError{Code: research.CodeRateLimited, Limit: row.Most,
		Message: fmt.Sprintf("This %s may have %d streams open at once; close one, or have the limit raised.", subject, row.Most)}
}

// closeStream counts a stream that a process has closed.
func (s *Store) closeStream(ctx context.Context, process uuid.UUID, account, key string) error {
	return store.Translate(s.q.CloseStream(ctx, process, account, key))
}

// renewStreams keeps the open streams of a process counted, and removes the counts of processes that died.
func (s *Store) renewStreams(ctx context.Context, process uuid.UUID) error {
	return store.Translate(s.q.RenewStreams(ctx, process, (10 * streamsFresh).Seconds()))
}

// CountUsage brings the counters of all accounts up to date, and forgets those of hours and days that are over. Reading usage
// does not need it; it keeps reading fast.
func (s *Store) CountUsage(ctx context.Context) error {
	accounts, err := s.q.AccountsWithEntries(ctx)
	if err != nil {
		return store.Translate(err)
	}
	for _, account := range accounts {
		if err := s.q.AddUpUsage(ctx, account); err != nil {
			return store.Translate(err)
		}
	}
	_, err = s.q.PurgeCounters(ctx)
	return store.Translate(err)
}

// HasKey reports whether an API key belongs to an account.
func (s *Store) HasKey(ctx context.Context, account, key string) (bool, error) {
	yes, err := s.q.AccountHasKey(ctx, key, account)
	return yes, store.Translate(err)
}
