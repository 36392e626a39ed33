package jsoncolumn

import (
	"encoding/json"
	"fmt"

	"legwork/internal/research"
)

// EncodeList encodes a list as a JSON array, also an empty or nil one.
func EncodeList[T any](list []T) ([]byte, error) {
	b, err := research.EncodeJSON(append([]T{}, list...))
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", list, err)
	}
	return b, nil
}

// DecodeList decodes a column that EncodeList made. It returns nil for NULL, and for values that it cannot read.
func DecodeList[T any](b []byte) []T {
	var out []T
	if len(b) == 0 || json.Unmarshal(b, &out) != nil {
		return nil
	}
	return out
}
