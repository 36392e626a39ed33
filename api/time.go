package api

import (
	"fmt"
	"strconv"
	"time"
)

// timeFormat is RFC 3339 in UTC with exactly milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

// Time is a point in time as the contract writes it: RFC 3339, UTC, exactly milliseconds (cut, not rounded), Z.
type Time struct{ time.Time }

// NewTime converts t, cut to milliseconds.
func NewTime(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// String returns the time as it stands in JSON.
func (t Time) String() string { return t.UTC().Format(timeFormat) }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, t.String()), nil }

// UnmarshalJSON implements json.Unmarshaler. It accepts exactly what MarshalJSON writes, so a client in Go
// notices when a server breaks the contract.
func (t *Time) UnmarshalJSON(b []byte) error {
	s, err := strconv.Unquote(string(b))
	if err != nil {
		return fmt.Errorf("a time must be a JSON string, not %s", b)
	}
	v, err := time.Parse(timeFormat, s)
	if err != nil {
		return fmt.Errorf("a time must look like %s: %w", timeFormat, err)
	}
	t.Time = v
	return nil
}
