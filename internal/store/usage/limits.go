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

// Store counts what accounts and keys use, and decides which waiting task runs next. Use New to make one per process.
type Store struct {
	store    *store.Store
	q        *db.Queries
	defaults []byte // limits of accounts that have none of their own, as JSON for the functions of the database
}

// New returns a Store on the database of st.
func New(st *store.Store) (*Store, error) {
	defaults, err := json.Marshal(st.Limits())
	if err != nil {
		return nil, fmt.Errorf("encode limits: %w", err)
	}
	return &Store{store: st, q: db.New(st.DB()), defaults: defaults}, nil
}

// Admit admits and counts a submission of an account. key is the API key that submits it; it may be empty. Admit returns
// a *research.LimitError when a limit of the account or of the key refuses the submission, and research.ErrQueueFull
// when maxWaiting tasks wait (0 means no maximum). Then the caller must roll the transaction back. Submissions at the
// same moment do not see each other's waiting tasks, so they may exceed maxWaiting together. They never exceed the other
// limits. If the number of tasks is limited, Admit returns what is left of the limit that allows the fewest more.
func (s *Store) Admit(ctx context.Context, tx pgx.Tx, account, key string, maxWaiting int) (*research.Allowance, error) {
	row, err := s.q.WithTx(tx).AdmitTask(ctx, db.AdmitTaskParams{CountWaiting: maxWaiting > 0, Account: account, Key: key, Defaults: s.defaults})
	switch {
	case err != nil:
		return nil, store.Translate(err)
	case maxWaiting > 0 && row.Waiting >= int64(maxWaiting):
		return nil, fmt.Errorf("%w: %d tasks wait", research.ErrQueueFull, row.Waiting)
	case row.Refused != "":
		return nil, research.LimitName(row.Refused).Exceeded(row.ByKey, row.Most, row.ResetsAt)
	case row.Most == 0:
		return nil, nil //nolint:nilnil // nil is the value "no limit"
	}
	return &research.Allowance{Limit: row.Most, Remaining: row.Remaining, ResetsAt: row.ResetsAt}, nil
}

// Limits returns the limits of an account, or of one of its API keys if key is not empty. own is false when the account
// has the limits of the configuration, or when the key has no limits.
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

// Used returns what an account, or one of its API keys if key is not empty, has used.
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

// streamsFresh is how long the number of a process's open streams is valid after it was last renewed. After this time
// the process is treated as dead.
const streamsFresh = 30 * time.Second

// openStream counts a stream that a process opens for an account. key is the API key that opens it; it may be empty.
// counted is false when no limit applies, because then the stream need not be counted. openStream returns a
// *research.LimitError when the greatest number of streams is open.
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

// closeStream reduces the number of open streams of a process by one.
func (s *Store) closeStream(ctx context.Context, process uuid.UUID, account, key string) error {
	return store.Translate(s.q.CloseStream(ctx, process, account, key))
}

// renewStreams renews the numbers of open streams of a process, and removes those of processes that died.
func (s *Store) renewStreams(ctx context.Context, process uuid.UUID) error {
	return store.Translate(s.q.RenewStreams(ctx, process, (10 * streamsFresh).Seconds()))
}

// CountUsage brings the counters of all accounts up to date, and removes counters of past hours and days. Used returns
// the right numbers without it, but more slowly.
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
