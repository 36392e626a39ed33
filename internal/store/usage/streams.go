package usage

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
)

// closeWait is the time limit of the statement that counts a stream as closed.
const closeWait = 5 * time.Second

// Streams counts the streams that this process has open. A nil *Streams counts nothing and refuses nothing.
type Streams struct {
	store   *Store
	process uuid.UUID
	log     *slog.Logger

	mu   sync.Mutex
	open int
	lost []subject // closed streams that are still counted as open, because the database was unavailable
}

type subject struct{ account, key string }

// NewStreams returns the Streams of this process. Call it once per process.
func NewStreams(s *Store, log *slog.Logger) *Streams {
	return &Streams{store: s, process: uuid.New(), log: log}
}

// Open counts a stream of an account as open. key is the API key that opens it; it may be empty. Open returns a
// *research.LimitError when a limit refuses the stream. Call closed when the stream has ended.
func (s *Streams) Open(ctx context.Context, account, key string) (closed func(), err error) {
	if s == nil {
		return func() {}, nil
	}
	counted, err := s.store.openStream(ctx, s.process, account, key)
	if err != nil {
		return nil, err
	}
	if !counted {
		return func() {}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open++
	return sync.OnceFunc(func() { s.close(context.WithoutCancel(ctx), subject{account, key}) }), nil
}

func (s *Streams) close(ctx context.Context, of subject) {
	ctx, cancel := context.WithTimeout(ctx, closeWait)
	defer cancel()
	err := s.store.closeStream(ctx, s.process, of.account, of.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if err != nil {
		s.lost = append(s.lost, of)
	}
}

// Run renews the numbers of this process's open streams until ctx ends. Numbers that are not renewed belong to a process
// that died.
func (s *Streams) Run(ctx context.Context) {
	tick := time.NewTicker(streamsFresh / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.renew(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "the count of open streams could not be renewed", "error", err)
		}
	}
}

// renew counts the streams in lost as closed, and renews the numbers of open streams.
func (s *Streams) renew(ctx context.Context) error {
	s.mu.Lock()
	open, lost := s.open, s.lost
	s.lost = nil
	s.mu.Unlock()
	for i, of := range lost {
		if err := s.store.closeStream(ctx, s.process, of.account, of.key); err != nil {
			s.mu.Lock()
			s.lost = append(s.lost, lost[i:]...)
			s.mu.Unlock()
			return err
		}
	}
	if open == 0 {
		return nil
	}
	return s.store.renewStreams(ctx, s.process)
}
