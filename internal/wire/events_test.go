package wire

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/research"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	id := uuid.MustParse("0190d0c0-0000-7000-8000-000000000001")
	at := time.Date(2026, 5, 1, 12, 0, 0, 1_000_000, time.FixedZone("", 3600))
	e := research.Thinking("<b>", nil)
	e.TaskID, e.Seq, e.Time = id, 3, at
	for got, want := range map[string]string{
		string(Events{}.Event(e)): `{"seq":3,"type":"agent:thinking","taskId":"` + id.String() + `","timestamp":"2026-05-01T11:00:00.001Z","content":"<b>"}`,
		string(Events{}.Delta(research.Delta{TaskID: id, Time: at, Offset: 4, Text: "<b>\n"})): `{"type":"agent:delta","taskId":"` + id.String() + `","timestamp":"2026-05-01T11:00:00.001Z","offset":4,"text":"<b>\n"}`,
		string(Events{}.Delta(research.Delta{TaskID: id, Time: at, Text: "x", Reset: true})):   `{"type":"agent:delta","taskId":"` + id.String() + `","timestamp":"2026-05-01T11:00:00.001Z","offset":0,"text":"x","reset":true}`,
	} {
		if got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
	}
}
