package jsoncolumn

import (
	"encoding/json"
	"fmt"

	"legwork/internal/research"
)

// EncodeBlocks encodes the blocks of a page for the database: [["h1",0,9],["code",11,60]]. For nil it returns nil, which is
// stored as NULL.
func EncodeBlocks(blocks []research.Block) (json.RawMessage, error) {
	if blocks == nil {
		return nil, nil //nolint:nilnil // SQL's null
	}
	out := make([][3]any, len(blocks))
	for i, b := range blocks {
		out[i] = [3]any{b.Kind, b.Start, b.End}
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode the blocks of a page: %w", err)
	}
	return raw, nil
}

// storedBlock decodes a block from the form in which it is stored.
type storedBlock research.Block

// UnmarshalJSON implements json.Unmarshaler.
func (b *storedBlock) UnmarshalJSON(raw []byte) error {
	return json.Unmarshal(raw, &[3]any{&b.Kind, &b.Start, &b.End})
}

// DecodeBlocks decodes what EncodeBlocks made.
func DecodeBlocks(raw json.RawMessage) ([]research.Block, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var in []storedBlock
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, fmt.Errorf("blocks of a page: %w", err)
	}
	out := make([]research.Block, len(in))
	for i, b := range in {
		out[i] = research.Block(b)
	}
	return out, nil
}
