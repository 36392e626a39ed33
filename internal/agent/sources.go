package agent

import (
	"strings"
	"time"
	"unicode"

	"legwork/internal/research"
)

// Source is what is known about the page of a quote, apart from its text.
type Source struct {
	PublishedAt *time.Time // as the page says; nil when unknown
	ModifiedAt  *time.Time // as the page or its server says; nil when unknown
	Kind        research.SourceKind
}

// Date returns the date by which a source is older or newer than another: when it was published or, if that is not
// known, last changed. It returns nil if neither is known.
func (s Source) Date() *time.Time {
	if s.PublishedAt != nil {
		return s.PublishedAt
	}
	return s.ModifiedAt
}

// SourceOf returns what is known about the page of a quote.
func (b *Session) SourceOf(q Quote) Source {
	var found Source
	for _, o := range b.Pages {
		if o.PageID == q.PageID {
			found = o.Source()
			if o.URL == q.URL {
				break
			}
		}
	}
	return found
}

// Source returns what is known about the page.
func (o *Opened) Source() Source {
	return Source{PublishedAt: o.PublishedAt, ModifiedAt: o.ModifiedAt, Kind: o.Kind}
}

// Bounds for comparing quotes of different pages.
const (
	minCopied   = 8   // words of a quote from which the same words on another page are a copy; two pages may state a short fact independently
	shingle     = 4   // successive words that are compared together
	sameSource  = 0.8 // share of common shingles from which two quotes are the same text
	maxCompared = 600 // quotes that are compared; further ones count as sources of their own page
)

// SourceGroups finds out which quotes have the same source: quotes of one page, and of pages that have the same text. The
// quotes are in the order of their markers. The result has, for each evidence number, the smallest marker of its source.
func SourceGroups(cited []Quote) map[int]int {
	group := make([]int, len(cited)) // for each quote, the index of the first quote of its source
	texts := make([]map[string]bool, len(cited))
	for i, q := range cited {
		group[i] = i
		if i < maxCompared {
			texts[i] = shingles(q.Text)
		}
		for j := range i {
			other := cited[j]
			if other.PageID != "" && other.PageID == q.PageID || other.URL == q.URL || copied(texts[i], texts[j]) {
				join(group[:i+1], group[i], group[j])
			}
		}
	}
	out := make(map[int]int, len(cited))
	for i, q := range cited {
		if _, ok := out[q.Evidence]; !ok {
			out[q.Evidence] = group[i] + 1
		}
	}
	return out
}

// join makes one group of two.
func join(group []int, a, b int) {
	first, other := min(a, b), max(a, b)
	for i, g := range group {
		if g == other {
			group[i] = first
		}
	}
}

// shingles returns the runs of successive words of a text, without case and punctuation. It returns nil for a text that
// is too short to be recognised as a copy.
func shingles(text string) map[string]bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	if len(words) < minCopied {
		return nil
	}
	out := map[string]bool{}
	for i := range len(words) - shingle + 1 {
		out[strings.Join(words[i:i+shingle], " ")] = true
	}
	return out
}

// copied reports whether two texts are the same, or one is a part of the other.
func copied(a, b map[string]bool) bool {
	small, large := a, b
	if len(small) > len(large) {
		small, large = b, a
	}
	if len(small) == 0 {
		return false
	}
	common := 0
	for s := range small {
		if large[s] {
			common++
		}
	}
	return float64(common) >= sameSource*float64(len(small))
}
