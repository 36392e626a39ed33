package page

import (
	"fmt"
	"strings"

	"legwork/internal/page/plaintext"
)

// Limits of what is stored of one document. The Note of a Reading says what was left out.
const (
	MaxText     = 4 << 20 // bytes of text
	MaxLinks    = 5_000
	maxPassages = 5_000 // limit of plaintext.Passages; text after the last passage is stored and readable, but not searched
)

// bound removes the parts of a reading that exceed these limits.
func (r *Reading) bound() {
	notes := []string{r.Note}
	if n := len(r.Page.Text); n > MaxText {
		r.Page = plaintext.Shorten(r.Page, MaxText)
		notes = append(notes, fmt.Sprintf("Only the first %d MB of %.1f MB of text were kept.", MaxText>>20, float64(n)/(1<<20)))
	}
	if len(r.Links) >= MaxLinks {
		r.Links = r.Links[:MaxLinks]
		notes = append(notes, fmt.Sprintf("Only the first %d links were kept.", MaxLinks))
	}
	if len(r.Page.Passages) >= maxPassages {
		notes = append(notes, fmt.Sprintf("Only the first %d passages can be searched.", maxPassages))
	}
	r.Note = strings.TrimSpace(strings.Join(notes, " "))
}
