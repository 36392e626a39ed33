package stream

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"
)

func TestOutageDelaysAStream(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	cfg := Config{Logger: slog.New(slog.NewTextHandler(&out, nil))}
	bubble(t, cfg, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(3)
		m.down = true
		s := h.Subscribe(id, 0)
		defer s.Close()
		wantNothing(t, s, 10*time.Second)
		m.set(func(m *memory) { m.down = false })
		began := time.Now()
		next(t, s, 1, 3)
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%v until the stream went on", took)
		}
		m.set(func(m *memory) { m.down = true })
		m.append(id, 1)
		wantNothing(t, s, 10*time.Second)
		m.set(func(m *memory) { m.down = false })
		next(t, s, 4, 4)
		if n := strings.Count(out.String(), "reading events fails"); n != 2 {
			t.Errorf("two outages were logged %d times:\n%s", n, out.String())
		}
	})
}

func TestHungQueryIsTriedAgain(t *testing.T) {
	t.Parallel()
	bubble(t, Config{Poll: -1, ReadTimeout: time.Second}, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(1)
		m.delay = func() time.Duration { return time.Hour }
		s := h.Subscribe(id, 0)
		defer s.Close()
		wantNothing(t, s, 5*time.Second)
		m.set(func(m *memory) { m.delay = nil })
		next(t, s, 1, 1)
	})
}

func TestStop(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(2)
		waiting, reading := h.Subscribe(id, 2), h.Subscribe(uuid.New(), 0)
		defer waiting.Close()
		defer reading.Close()
		a := follow(t.Context(), waiting)
		synctest.Wait()
		m.set(func(m *memory) { m.delay = func() time.Duration { return time.Hour } })
		b := follow(t.Context(), reading)
		synctest.Wait()
		began := time.Now()
		h.Stop()
		a.ended(t, nil, ErrStopping)
		b.ended(t, nil, ErrStopping)
		late := h.Subscribe(id, 0)
		defer late.Close()
		if _, err := late.Next(t.Context()); !errors.Is(err, ErrStopping) {
			t.Errorf("Next after Stop: %v", err)
		}
		if time.Since(began) > 0 {
			t.Errorf("stopping took %v", time.Since(began))
		}
		<-late.topic.read(0).done // a read that was refused must end as well
	})
}

func TestCloseAndContext(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		id := m.create(2)
		s, other := h.Subscribe(id, 2), h.Subscribe(id, 0)
		ctx, cancel := context.WithCancel(t.Context())
		r := follow(ctx, s)
		synctest.Wait()
		cancel()
		r.ended(t, nil, context.Canceled)
		r = follow(t.Context(), s)
		synctest.Wait()
		if h.Watched() != 1 {
			t.Errorf("%d topics of one task", h.Watched())
		}
		s.Close()
		s.Close()
		r.ended(t, nil, ErrClosed)
		next(t, other, 1, 2)
		other.Close()
		if h.Watched() != 0 {
			t.Errorf("%d topics after the last Close", h.Watched())
		}
		h.deliver(m.append(id, 1)) // no subscription is left
	})
}
