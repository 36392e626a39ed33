package httpapi

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/research"
	"legwork/internal/store"
)

func TestListFilters(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		b.add(research.Task{Status: research.Queued})
	}
	cursor := encodeCursor(store.Cursor{CreatedAt: time.UnixMicro(1_772_721_000_125_456), ID: uuid.Max})
	query := "?offset=0&limit=500&status=queued&q=" + url.QueryEscape("é why") + "&from=2026-03-05t14:30:00z&to=2026-03-06T16:30:00.5%2B02:00&cursor=" + cursor + "&unknown=1"
	var list api.TaskList
	b.get("/api/tasks"+query).into(200, &list)
	b.get("/api/history"+query).into(200, &[]api.HistoryEntry{})
	b.get("/api/tasks").into(200, &list)
	b.get("/api/tasks?offset=2147483647&q=").into(200, &list)
	if len(list.Tasks) != 0 || list.Total != 3 || list.Offset != 2147483647 || list.Limit != 100 || list.NextCursor != nil {
		t.Errorf("list %+v", list)
	}
	if f := b.filters[1]; f.Limit != 500 || f.Status != "queued" || f.Query != "é why" || f.Offset != 0 ||
		!f.From.Equal(time.Date(2026, 3, 5, 14, 30, 0, 0, time.UTC)) || !f.To.Equal(time.Date(2026, 3, 6, 14, 30, 0, 5e8, time.UTC)) ||
		f.Before.CreatedAt.UnixMicro() != 1_772_721_000_125_456 || f.Before.ID != uuid.Max {
		t.Errorf("filter %+v", f)
	}
	if f := b.filters[2]; f != (store.TaskFilter{Limit: 101}) {
		t.Errorf("default filter %+v", f)
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cursor := encodeCursor(store.Cursor{CreatedAt: time.Now(), ID: uuid.Max})
	for query, field := range map[string]string{
		"offset=-1": "offset", "offset=2147483648": "offset", "offset=x": "offset", "offset=": "offset", "offset=1.0": "offset",
		"offset=99999999999999999999": "offset", "offset=1&offset=2": "offset",
		"limit=0": "limit", "limit=501": "limit", "limit=-5": "limit", "limit=ten": "limit", "limit=0x10": "limit", "limit=null": "limit",
		"status=": "status", "status=done": "status", "status=queued,running": "status", "status=queued&status=failed": "status",
		"q=%00": "q", "q=%ff": "q", "q=" + strings.Repeat("a", 1001): "q",
		"from=yesterday": "from", "from=2026-03-05": "from", "from=2026-03-05T14:30:00": "from", "from=2026-03-05T14:30:00+02:00": "from",
		"to=1772721000": "to", "to=2026-02-30T00:00:00Z": "to", "to=": "to",
		"cursor=": "cursor", "cursor=x": "cursor", "cursor=" + cursor + "A": "cursor", "cursor=" + cursor[1:]: "cursor",
		"offset=1&cursor=" + cursor: "offset",
	} {
		for _, path := range []string{"/api/tasks?", "/api/history?"} {
			b.get(path+query).wantError(422, "validation_error", field)
		}
	}
	b.get("/api/tasks?limit=0&offset=-1&status=x").wantError(422, "validation_error", "offset", "limit", "status")
	if len(b.filters) != 0 {
		t.Errorf("a refused query reached the store: %+v", b.filters)
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var want []string
	for range 5 {
		want = append([]string{b.add(research.Task{Status: research.Queued}).ID.String()}, want...)
	}
	var got []string
	cursor := ""
	for page := 0; page < 10; page++ {
		var list api.TaskList
		b.get("/api/tasks?limit=2"+cursor).into(200, &list)
		for _, task := range list.Tasks {
			got = append(got, task.TaskID)
		}
		if list.Total != 5 || list.Limit != 2 {
			t.Errorf("page %d: %+v", page, list)
		}
		if list.NextCursor == nil {
			break
		}
		cursor = "&cursor=" + *list.NextCursor
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("pages give %v\nwant %v", got, want)
	}
	var history []api.HistoryEntry
	b.get("/api/history?limit=2&offset=1").into(200, &history)
	if len(history) != 2 || history[0].TaskID != want[1] || history[1].TaskID != want[2] {
		t.Errorf("history %+v", history)
	}
	empty := setup(t)
	if res := empty.get("/api/history"); strings.TrimSpace(string(res.body)) != "[]" {
		t.Errorf("empty history is %s", res.body)
	}
	if res := empty.get("/api/tasks"); !strings.Contains(string(res.body), `"tasks":[]`) {
		t.Errorf("empty list is %s", res.body)
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(encodeCursor(store.Cursor{CreatedAt: time.UnixMicro(1_772_721_000_125_456), ID: uuid.Max}))
	f.Add(encodeCursor(store.Cursor{CreatedAt: time.UnixMicro(-1 << 62)}))
	f.Add("AQAA\r\n")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := decodeCursor(s)
		if err != nil {
			return
		}
		if y := c.CreatedAt.Year(); y < 1 || y > 9999 || encodeCursor(c) != s {
			t.Errorf("%q gives %+v", s, c)
		}
	})
}

func FuzzAfter(f *testing.F) {
	for _, s := range []string{"0", "007", "9223372036854775807", "9223372036854775808", "-1", "+1", "1e3", "", " 1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseAfter("after", s)
		if err == nil && (n < 0 || strings.Trim(s, "0123456789") != "" || s == "") {
			t.Errorf("%q is %d", s, n)
		}
	})
}
