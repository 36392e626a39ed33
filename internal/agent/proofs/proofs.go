// Package proofs lists verified quotes for prompts, with what helps to understand them. It does no I/O.
package proofs

import (
	"fmt"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/pagetext"
	"legwork/internal/agent/prompts"
	"legwork/internal/research"
)

// Proof is a verified quote with its number.
type Proof struct {
	N                int
	Title, URL, Text string
	Path             string // the headings above the quote
	Again            bool   // page and headings are those of the quote before
	Before, After    string // the words around it
	Known            string // kind and dates of the page
	For              string // the part of the question that it serves
}

// size returns how many bytes a quote takes in a prompt.
func (p Proof) size() int {
	return len(p.Title) + len(p.URL) + len(p.Text) + len(p.Path) + len(p.Before) + len(p.After) + len(p.Known) + len(p.For) + 60
}

// List lists quotes with their numbers, from 1. texts are the texts of pages by their ids; a text may be missing. known
// says what is known about the page of a quote.
func List(quotes []agent.Quote, texts map[string]*pagetext.Doc, known func(agent.Quote) string) []Proof {
	list := make([]Proof, len(quotes))
	for i, q := range quotes {
		p := Proof{N: i + 1, Title: prompts.Defuse(q.Title), URL: q.URL, Text: prompts.Defuse(q.Text), Known: known(q), For: prompts.Defuse(q.For)}
		if d := texts[q.PageID]; d != nil && q.End <= d.Len() {
			p.Path, p.Before, p.After = prompts.Defuse(d.Path(q.Start)), prompts.Defuse(d.Before(q.Start)), prompts.Defuse(d.After(q.End))
		}
		p.Again = i > 0 && quotes[i-1].URL == q.URL && list[i-1].Path == p.Path
		if p.Path == p.Title || strings.HasPrefix(p.Path, p.Title+" › ") {
			p.Title = ""
		}
		list[i] = p
	}
	return list
}

// Within returns quotes within a number of bytes. If they do not fit, the words around them are left out, and then the
// last ones.
func Within(list []Proof, most int) []Proof {
	if sizeOf(list) > most {
		list = Bare(list)
	}
	for len(list) > 1 && sizeOf(list) > most {
		list = list[:len(list)-1]
	}
	return list
}

// Bare returns quotes without the words around them.
func Bare(list []Proof) []Proof {
	out := append([]Proof{}, list...)
	for i := range out {
		out[i].Before, out[i].After = "", ""
	}
	return out
}

func sizeOf(list []Proof) int {
	n := 0
	for _, p := range list {
		n += p.size()
	}
	return n
}

// Bounds of the short list of what is kept.
const (
	maxListed     = 40
	listedQuote   = 100 // bytes of each quote
	listedAddress = 100
)

// Listed lists quotes and notes briefly, to remind a model of them.
func Listed(quotes []agent.Quote, notes []string) string {
	var b strings.Builder
	for _, q := range quotes[max(0, len(quotes)-maxListed):] {
		fmt.Fprintf(&b, "%d (%s): %s\n", q.Evidence, research.Truncate(q.URL, listedAddress), research.Truncate(strings.Join(strings.Fields(q.Text), " "), listedQuote))
	}
	for _, n := range notes {
		b.WriteString("Note: " + n + "\n")
	}
	return strings.TrimSpace(b.String())
}
