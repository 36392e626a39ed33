package stream

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"legwork/internal/dbtest"
	"legwork/internal/research"
)

// countingLog counts reads of the table.
type countingLog struct {
	Log
	reads atomic.Int64
}

func (c *countingLog) Events(ctx context.Context, id uuid.UUID, after int64, limit int) ([]research.Event, error) {
	c.reads.Add(1)
	return c.Log.Events(ctx, id, after, limit)
}

// TestEventsOfOtherProcessesNeedNoRead checks that small events of other processes arrive by NOTIFY, without a read of
// the table.
func TestEventsOfOtherProcessesNeedNoRead(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	log := &countingLog{}
	a := start(t, url, setting{cfg: noPoll})
	b := start(t, url, setting{cfg: noPoll, wrap: func(table Log) Log { log.Log = table; return log }})
	eventually(t, "both listen", func() bool { return a.listening(t) == 2 })
	id := a.create(t)
	s := b.hub.Subscribe(id, 0)
	defer s.Close()
	next(t, s, 1, 1)
	before := log.reads.Load()
	for i := range int64(50) {
		a.pub.Publish(a.append(t, id, 1))
		next(t, s, i+2, i+2)
	}
	if n := log.reads.Load() - before; n > 1 {
		t.Errorf("50 events cost %d reads of the table", n)
	}
	a.pub.Publish(a.end(t, id))
	next(t, s, 52, 52)
}
