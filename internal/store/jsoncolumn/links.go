package jsoncolumn

import (
	"encoding/json"
	"fmt"

	"legwork/internal/research"
)

// storedLink is the JSON form of a link in the column visits.links.
type storedLink struct {
	URL     string `json:"u"`
	Text    string `json:"t,omitempty"`
	Context string `json:"c,omitempty"`
	Heading string `json:"h,omitempty"`
	Frag    string `json:"f,omitempty"`
}

// EncodeLinks encodes links for visits.links. For nil it returns nil, which is stored as NULL. NULL means that no other
// task may reuse the page of this visit.
func EncodeLinks(links []research.Link) (json.RawMessage, error) {
	if links == nil {
		return nil, nil //nolint:nilnil // SQL's null
	}
	out := make([]storedLink, len(links))
	for i, l := range links {
		out[i] = storedLink(l)
	}
	b, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("encode links: %w", err)
	}
	return b, nil
}

// DecodeLinks decodes what EncodeLinks made.
func DecodeLinks(raw []byte) ([]research.Link, error) {
	var in []storedLink
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &in); err != nil {
			return nil, fmt.Errorf("links of a visit: %w", err)
		}
	}
	out := make([]research.Link, len(in))
	for i, l := range in {
		out[i] = research.Link(l)
	}
	return out, nil
}
