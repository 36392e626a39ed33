package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/metrics"
	"legwork/internal/research"
	"legwork/internal/stream"
	"legwork/internal/wire"
)

// Number of events in one JSON answer.
const (
	defaultEvents = 500
	maxEvents     = 1000
)

// Names of query parameters and headers, also in error details.
const (
	afterField     = "after"
	lastEventField = "lastEventId"
	deltasField    = "deltas"
)

// parseAfter parses a cursor: the seq of the last event that the client has, or 0 for the beginning of the log.
func parseAfter(field, raw string) (int64, error) {
	n, err := strconv.ParseUint(raw, 10, 63) // unlike ParseInt it accepts no sign
	if err != nil {
		var bad research.ValidationError
		bad.Add(field, "must be the seq of an event, an integer of at least 0")
		return 0, bad.Err()
	}
	return int64(n), nil
}

// wantsDeltas parses the query parameter deltas, which may be given once.
func wantsDeltas(query url.Values) (bool, error) {
	switch values := query[deltasField]; {
	case len(values) == 0, len(values) == 1 && values[0] == "0":
		return false, nil
	case len(values) == 1 && values[0] == "1":
		return true, nil
	}
	var bad research.ValidationError
	bad.Add(deltasField, "must be 1 or 0")
	return false, bad.Err()
}

// subscribe subscribes to a task of the caller's account. It returns research.ErrNotFound when the account has no such
// task, and a *research.LimitError when the account has its greatest number of streams open.
func (s *server) subscribe(ctx context.Context, id uuid.UUID, after int64, deltas bool, protocol string) (*subscription, error) {
	sub, err := s.hub.SubscribeFor(ctx, account(ctx), id, after, deltas)
	if err != nil {
		return nil, err
	}
	closed, err := s.streams.Open(ctx, account(ctx), auth.CallerOf(ctx).KeyID)
	if err != nil {
		sub.Close()
		return nil, err
	}
	return &subscription{Subscription: sub, closed: closed, watch: s.metrics.StreamOpened(protocol)}, nil
}

// subscription adds one to the number of open streams of its account until it is closed.
type subscription struct {
	*stream.Subscription
	closed func()
	watch  *metrics.Stream
}

// Sent counts a message that was written to the client.
func (s *subscription) Sent(m stream.Message) {
	at := time.Time{}
	if m.Event != nil {
		at = m.Event.Time
	}
	s.watch.Sent(at)
}

// Close ends the subscription.
func (s *subscription) Close() {
	s.Subscription.Close()
	s.watch.Closed()
	s.closed()
}

// ListEvents implements api.StrictServerInterface. It answers with JSON, or with server-sent events if the
// client accepts them.
func (s *server) ListEvents(ctx context.Context, req api.ListEventsRequestObject) (api.ListEventsResponseObject, error) {
	r := requestOf(ctx)
	live := acceptsEvents(r)
	field, raw := afterField, "0"
	if req.Params.After != nil {
		raw = *req.Params.After
	}
	if last := req.Params.LastEventID; live && last != nil && *last != "" {
		field, raw = lastEventField, *last
	}
	after, err := parseAfter(field, raw)
	if err != nil {
		return nil, err
	}
	limit := defaultEvents
	if req.Params.Limit != nil {
		if limit = *req.Params.Limit; limit < 1 || limit > maxEvents {
			var bad research.ValidationError
			bad.Add("limit", "must be an integer from 1 to %d", maxEvents)
			return nil, bad.Err()
		}
	}
	deltas, err := wantsDeltas(r.URL.Query())
	if err != nil {
		return nil, err
	}
	task, err := s.task(ctx, req.ID)
	if err != nil {
		return nil, err
	}
	switch {
	case live && task.Status.Terminal() && after >= task.LastSeq:
		return api.ListEvents204Response{}, nil
	case live:
		sub, err := s.subscribe(ctx, task.ID, after, deltas, "sse")
		if err != nil {
			return nil, err
		}
		return eventStream{server: s, request: r, sub: sub}, nil
	}
	return s.storedEvents(ctx, task, after, limit)
}

func (s *server) storedEvents(ctx context.Context, task research.Task, after int64, limit int) (api.ListEventsResponseObject, error) {
	events, err := s.data(ctx).Events(ctx, task.ID, after, limit)
	if err != nil {
		return nil, err
	}
	out := api.ListEvents200JSONResponse{Events: make([]json.RawMessage, len(events)), LastSeq: task.LastSeq}
	for i, e := range events {
		out.Events[i] = wire.Events{}.Event(e)
		out.LastSeq = max(out.LastSeq, e.Seq) // the events may be newer than the task, which was read before
	}
	return out, nil
}

// acceptsEvents reports whether the Accept header names text/event-stream and does not exclude it.
func acceptsEvents(r *http.Request) bool {
	for _, header := range r.Header.Values("Accept") {
		for _, part := range strings.Split(header, ",") {
			media, params, err := mime.ParseMediaType(part)
			if err != nil || media != "text/event-stream" {
				continue
			}
			q, err := strconv.ParseFloat(params["q"], 64)
			return err != nil || q > 0
		}
	}
	return false
}

// eventStream sends the events of a task as server-sent events (WHATWG HTML, section 9.2).
type eventStream struct {
	server  *server
	request *http.Request
	sub     *subscription
}

// VisitListEventsResponse implements api.ListEventsResponseObject. It sends events until the log ends, the client
// leaves, the client's credential ends or the process stops. A browser then reconnects with the header Last-Event-ID. It
// gets 204 when the log has ended.
func (e eventStream) VisitListEventsResponse(w http.ResponseWriter) error {
	defer e.sub.Close()
	ctx, ended := context.WithCancel(e.request.Context())
	defer ended()
	defer e.server.auth.Watch(ctx, ended)()
	t := e.server.timing
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // tells nginx not to buffer events
	rc := http.NewResponseController(w)
	// Without this call the server's read timeout would end the request's context.
	if err := rc.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("lift read timeout: %w", err)
	}
	send := func(format string, args ...any) error {
		if err := rc.SetWriteDeadline(time.Now().Add(t.write)); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, format, args...)
		return err
	}
	w.WriteHeader(http.StatusOK)
	err := send("retry: %d\n\n", t.retry.Milliseconds())
	for err == nil && e.request.Method != http.MethodHead {
		if err = rc.Flush(); err != nil {
			break
		}
		var messages []stream.Message
		if messages, err = e.next(ctx, t.heartbeat); err != nil {
			return nil // the stream ended for one of the reasons in the doc comment; none of them is an error
		}
		if len(messages) == 0 {
			err = send(": heartbeat\n\n")
		}
		for _, m := range messages {
			if err == nil && ctx.Err() == nil {
				if err = send("%sdata: %s\n\n", idLine(m), m.Encode(wire.Events{})); err == nil {
					e.sub.Sent(m)
				}
			}
		}
	}
	return err
}

// idLine returns the id line of a message. A client can continue the stream from this id. A delta has no id, because it
// is not in the log.
func idLine(m stream.Message) string {
	if m.Event == nil {
		return ""
	}
	return fmt.Sprintf("id: %d\n", m.Seq())
}

// next waits for messages and returns them. It returns none when no message comes within the time silence.
func (e eventStream) next(ctx context.Context, silence time.Duration) ([]stream.Message, error) {
	wait, cancel := context.WithTimeout(ctx, silence)
	defer cancel()
	messages, err := e.sub.Next(wait)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return nil, nil
	}
	return messages, err
}

// unknownTask returns the only frame that a stream sends for a task that does not exist. The frame has no seq, because
// there is no log.
func unknownTask(raw string) []byte {
	b, _ := json.Marshal(struct { // strings and a bool can always be encoded
		Type        research.EventType `json:"type"`
		TaskID      string             `json:"taskId"`
		Timestamp   api.Time           `json:"timestamp"`
		Error       string             `json:"error"`
		ErrorCode   string             `json:"errorCode"`
		Recoverable bool               `json:"recoverable"`
	}{research.EventError, research.Truncate(raw, 64), api.NewTime(time.Now()), "There is no such task.", research.CodeNotFound, false})
	return b
}
