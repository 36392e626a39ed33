package api

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// timeFormat is RFC 3339 in UTC, always with three digits for milliseconds.
const timeFormat = "2006-01-02T15:04:05.000Z"

// Time is a point in time in the format of the contract: RFC 3339 in UTC with Z and three digits for milliseconds.
// Smaller units are cut off, not rounded.
type Time struct{ time.Time }

// NewTime converts t, cut to milliseconds.
func NewTime(t time.Time) Time { return Time{t.UTC().Truncate(time.Millisecond)} }

// String returns the time in the format that JSON responses use.
func (t Time) String() string { return t.UTC().Format(timeFormat) }

// MarshalJSON implements json.Marshaler.
func (t Time) MarshalJSON() ([]byte, error) { return strconv.AppendQuote(nil, t.String()), nil }

// UnmarshalJSON implements json.Unmarshaler. It accepts only the format that MarshalJSON writes, so that a Go client
// notices a server that breaks the contract.
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

// ParseTime reads a time that a client has sent: any form of RFC 3339, whose T and Z may also be lower case.
func ParseTime(s string) (time.Time, error) { return time.Parse(time.RFC3339Nano, strings.ToUpper(s)) }
