package stream

import (
	"strings"
	"testing"
	"testing/synctest"
)

func TestListenerIgnoresItsOwnProcess(t *testing.T) {
	t.Parallel()
	bubble(t, noPoll, func(t *testing.T, m *memory, h *Hub) {
		l := NewListener(nil, h, quiet)
		id := m.create(1)
		s := h.Subscribe(id, 0)
		defer s.Close()
		next(t, s, 1, 1)
		r := follow(t.Context(), s)
		synctest.Wait()
		sent := []announcement{announce(m.append(id, 1))}
		l.handle("not ours")
		l.handle(packPayloads(h.id, sent)[0])
		if texts := packFragments(h.id, []fragment{{Task: id, Epoch: 1, Text: "word"}}); !strings.HasPrefix(texts[0], l.own) {
			t.Errorf("%s does not begin as payloads of this process do", texts[0])
		}
		synctest.Wait()
		if r.count() != 0 {
			t.Error("a payload of this process was taken in")
		}
		l.handle(packPayloads(id, sent)[0])
		synctest.Wait()
		if events, _ := m.queries(); r.count() != 1 || events != 1 {
			t.Errorf("%d events after a payload with one, %d reads", r.count(), events)
		}
		s.Close()
		<-r.done
	})
}
