package stream

import (
	"io"
	"testing"
	"time"

	"legwork/internal/dbtest"
	"legwork/internal/testsite"
)

func TestStreamsSurviveALostServer(t *testing.T) {
	t.Parallel()
	database := dbtest.URL(t)
	w := testsite.StartProxy(t, database)
	a := start(t, database, setting{cfg: noPoll})
	b := start(t, database, setting{cfg: Config{Poll: 20 * time.Millisecond}, url: w.URL})
	id := a.create(t)
	r := b.follow(t, id, 0)
	for n := range 3 {
		eventually(t, "the events so far", func() bool { return r.count() == 1+2*n })
		w.Cut()
		late := b.follow(t, id, 1) // a reader that begins while nothing can be read
		a.pub.Publish(a.append(t, id, 2))
		eventually(t, "an outage noticed", b.hub.reading.down.Load)
		w.Mend()
		eventually(t, "the end of the outage", func() bool { return late.count() == 2*(n+1) })
	}
	a.pub.Publish(a.end(t, id))
	r.ended(t, a.stored(t, id), io.EOF)
}

func TestStreamsSurviveASilentNetwork(t *testing.T) {
	t.Parallel()
	database := dbtest.URL(t)
	w := testsite.StartProxy(t, database)
	a := start(t, database, setting{cfg: noPoll})
	b := start(t, database, setting{url: w.URL, idle: 50 * time.Millisecond,
		cfg: Config{Poll: 20 * time.Millisecond, ReadTimeout: 200 * time.Millisecond}})
	id := a.create(t)
	r := b.follow(t, id, 0)
	eventually(t, "the first event", func() bool { return r.count() == 1 })
	thaw := w.Freeze()
	defer thaw()
	a.pub.Publish(a.append(t, id, 5))
	eventually(t, "an outage noticed", b.hub.reading.down.Load)
	if r.count() > 1 {
		t.Error("events passed a frozen network")
	}
	thaw()
	eventually(t, "the events of the outage", func() bool { return r.count() == 6 })
	a.pub.Publish(a.end(t, id))
	r.ended(t, a.stored(t, id), io.EOF)
}
