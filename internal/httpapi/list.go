package httpapi

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/wire"
)

// These are the bounds of the query parameters of the task list and the history.
const (
	defaultLimit = 100
	maxLimit     = 500
	maxOffset    = math.MaxInt32
	maxQuery     = 1000 // greatest length in code points
)

// ListTasks implements api.StrictServerInterface.
func (s *server) ListTasks(ctx context.Context, req api.ListTasksRequestObject) (api.ListTasksResponseObject, error) {
	f, err := filter(req.Params)
	if err != nil {
		return nil, err
	}
	limit := f.Limit
	f.Limit++ // one task more than the page shows whether there is a next page
	list, err := s.data(ctx).Tasks(ctx, f)
	if err != nil {
		return nil, err
	}
	out := api.ListTasks200JSONResponse{Tasks: []api.Task{}, Total: list.Total, Offset: f.Offset, Limit: limit}
	if list.TotalIsLowerBound {
		out.TotalIsLowerBound = &list.TotalIsLowerBound
	}
	tasks := list.Tasks
	if len(tasks) > limit {
		tasks = tasks[:limit]
		last := tasks[limit-1]
		next := encodeCursor(store.Cursor{CreatedAt: last.CreatedAt, ID: last.ID})
		out.NextCursor = &next
	}
	for _, t := range tasks {
		out.Tasks = append(out.Tasks, wire.TaskFor(t, auth.CallerOf(ctx).Principal))
	}
	return out, nil
}

// ListHistory implements api.StrictServerInterface.
func (s *server) ListHistory(ctx context.Context, req api.ListHistoryRequestObject) (api.ListHistoryResponseObject, error) {
	f, err := filter(api.ListTasksParams(req.Params))
	if err != nil {
		return nil, err
	}
	list, err := s.data(ctx).Tasks(ctx, f)
	if err != nil {
		return nil, err
	}
	out := api.ListHistory200JSONResponse{}
	for _, t := range list.Tasks {
		out = append(out, wire.HistoryEntry(t))
	}
	return out, nil
}

// filter checks the query parameters of a list. It refuses values out of range instead of replacing them by the nearest bound.
func filter(p api.ListTasksParams) (store.TaskFilter, error) {
	f := store.TaskFilter{Limit: defaultLimit}
	var bad research.ValidationError
	if p.Offset != nil {
		f.Offset = *p.Offset
		if f.Offset < 0 || f.Offset > maxOffset {
			bad.Add("offset", "must be an integer from 0 to %d", maxOffset)
		}
	}
	if p.Limit != nil {
		f.Limit = *p.Limit
		if f.Limit < 1 || f.Limit > maxLimit {
			bad.Add("limit", "must be an integer from 1 to %d", maxLimit)
		}
	}
	if p.Status != nil {
		f.Status = research.Status(*p.Status)
		if !f.Status.Valid() {
			bad.Add("status", "must be one of created, queued, running, completed, failed, cancelled")
		}
	}
	if p.Q != nil {
		f.Query = *p.Q
		if !utf8.ValidString(f.Query) || strings.ContainsRune(f.Query, 0) || utf8.RuneCountInString(f.Query) > maxQuery {
			bad.Add("q", "must be at most %d characters of valid text", maxQuery)
		}
	}
	if p.Parent != nil {
		id, err := wire.ParseID(*p.Parent)
		if err != nil {
			bad.Add("parent", "must be the id of a task, a UUID")
		}
		f.ChildOf = &id
	}
	f.From = moment(&bad, "from", p.From)
	f.To = moment(&bad, "to", p.To)
	if p.Cursor != nil {
		c, err := decodeCursor(*p.Cursor)
		if err != nil {
			bad.Add("cursor", "must be the nextCursor of an earlier answer")
		}
		f.Before = &c
		if f.Offset != 0 {
			bad.Add("offset", "must not be given together with cursor")
		}
	}
	return f, bad.Err()
}

func moment(bad *research.ValidationError, name string, raw *string) *time.Time {
	if raw == nil {
		return nil
	}
	t, err := api.ParseTime(*raw)
	if err != nil {
		bad.Add(name, "must be an RFC 3339 time such as 2026-03-05T14:30:00Z; write + as %%2B")
	}
	return &t
}

// A cursor is opaque to clients: a version byte, the creation time in microseconds (PostgreSQL's resolution) and the
// id of the last task of a page.
const (
	cursorVersion = 1
	cursorBytes   = 1 + 8 + 16
)

var errCursor = errors.New("not a cursor")

func encodeCursor(c store.Cursor) string {
	b := make([]byte, 1, cursorBytes)
	b[0] = cursorVersion
	b = binary.BigEndian.AppendUint64(b, uint64(c.CreatedAt.UnixMicro()))
	return base64.RawURLEncoding.EncodeToString(append(b, c.ID[:]...))
}

// decodeCursor accepts only strings that encodeCursor writes for times of the years 1 to 9999.
func decodeCursor(s string) (store.Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != cursorBytes || b[0] != cursorVersion {
		return store.Cursor{}, errCursor
	}
	c := store.Cursor{CreatedAt: time.UnixMicro(int64(binary.BigEndian.Uint64(b[1:9]))).UTC(), ID: uuid.UUID(b[9:])}
	if y := c.CreatedAt.Year(); y < 1 || y > 9999 || encodeCursor(c) != s {
		return store.Cursor{}, errCursor
	}
	return c, nil
}
