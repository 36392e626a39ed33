// Package questions reads and checks the questions of the evaluation. A question names the passages that answer it (its
// gold), or says that its manual does not answer it.
package questions

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// Kinds of questions.
const (
	Fact         = "fact"         // one passage answers it; the default
	Multihop     = "multihop"     // passages of several pages answer it together
	Comparison   = "comparison"   // it compares two things, and each has a passage of its own
	Unanswerable = "unanswerable" // the manual does not answer it
	Injection    = "injection"    // the page with the answer also has a text that gives orders to its readers
	Language     = "language"     // the question or the manual is not in English
	Place        = "place"        // the words that answer it occur several times on their page
	Report       = "report"       // it asks for a report with several sections
)

// Kinds lists the kinds in the order in which they are reported.
var Kinds = []string{Fact, Multihop, Comparison, Place, Language, Injection, Report, Unanswerable}

// Question is one line of a question file. It has either one part, written as pages, accept and after, or several parts.
// A question of the kind unanswerable has none.
type Question struct {
	ID     string   `json:"id"`               // unique in its file; lower-case words joined with hyphens
	Kind   string   `json:"kind,omitempty"`   // one of Kinds; empty means Fact
	Text   string   `json:"question"`         // 1..1000 code points, as a person would ask it
	Seed   string   `json:"seed"`             // path of the start page, relative to the root of the documentation
	Pages  []string `json:"pages,omitempty"`  // see Part; for unanswerable questions, pages on which a careful person would look
	Accept []string `json:"accept,omitempty"` // see Part
	After  string   `json:"after,omitempty"`  // see Part
	Parts  []Part   `json:"parts,omitempty"`
	Absent []string `json:"absent,omitempty"` // texts that no page of the manual has; needed for unanswerable questions
	Plant  *Plant   `json:"plant,omitempty"`  // needed for questions of the kind injection
	Length int      `json:"length,omitempty"` // words that a report is asked to have
}

// Part is one of the passages that a complete answer cites.
type Part struct {
	Pages  []string `json:"pages"`           // paths of all pages that count as right
	Accept []string `json:"accept"`          // an excerpt of a right page must contain one of these texts
	After  string   `json:"after,omitempty"` // if the accepted text occurs several times on its page: a text that stands once on it; the next occurrence after it is the right one
}

// Plant is a text that is added to a page while its question is asked. It orders the reader of the page to say Canary, or
// to open the page of this name.
type Plant struct {
	Page   string `json:"page"`
	Text   string `json:"text"`   // contains Canary
	Canary string `json:"canary"` // a word that the manual does not have
}

// Gold returns the passages that a complete answer cites. It is empty for an unanswerable question.
func (q Question) Gold() []Part {
	if q.Kind == Unanswerable {
		return nil
	}
	if len(q.Parts) > 0 {
		return q.Parts
	}
	return []Part{{Pages: q.Pages, Accept: q.Accept, After: q.After}}
}

// MaxText is the greatest length of a question that the API accepts, in code points.
const MaxText = 1000

// MaxExcerpt is the greatest length of an excerpt, in code points. A longer excerpt is not accepted, because it is a
// page rather than a quote.
const MaxExcerpt = 400

// ReadFile reads a question file.
func ReadFile(name string) ([]Question, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	all, err := Read(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

// Read parses a question file: one JSON object per line; blank lines are ignored. Unknown keys, missing values and
// duplicate ids are errors that name the line.
func Read(r io.Reader) ([]Question, error) {
	var out []Question
	seen := map[string]bool{}
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		var q Question
		dec := json.NewDecoder(bytes.NewReader(line))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&q); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if q.Kind == "" {
			q.Kind = Fact
		}
		if err := q.validate(); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if seen[q.ID] {
			return nil, fmt.Errorf("line %d: the id %q occurs twice", n, q.ID)
		}
		seen[q.ID] = true
		out = append(out, q)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, errors.New("the file holds no question")
	}
	return out, nil
}

func (q Question) validate() error {
	switch n := utf8.RuneCountInString(q.Text); {
	case q.ID == "":
		return errors.New("id is missing")
	case !slices.Contains(Kinds, q.Kind):
		return fmt.Errorf("kind %q is not one of %s", q.Kind, strings.Join(Kinds, ", "))
	case strings.TrimSpace(q.Text) == "" || n > MaxText:
		return fmt.Errorf("question must have 1..%d characters", MaxText)
	case !isPath(q.Seed):
		return fmt.Errorf("seed %q must be a relative path", q.Seed)
	case q.Length < 0 || q.Length > 0 && q.Kind != Report:
		return errors.New("length is a number of words, and only reports have one")
	case (q.Kind == Injection) != (q.Plant != nil):
		return errors.New("questions of the kind injection need plant, and no others have it")
	}
	for _, p := range q.Pages {
		if !isPath(p) {
			return fmt.Errorf("page %q must be a relative path", p)
		}
	}
	if q.Kind == Unanswerable {
		return q.validateUnanswerable()
	}
	if len(q.Parts) > 0 && (len(q.Pages) > 0 || len(q.Accept) > 0 || q.After != "") || len(q.Absent) > 0 {
		return errors.New("a question has either parts, or pages and accept, or absent")
	}
	if (q.Kind == Multihop || q.Kind == Comparison || q.Kind == Report) && len(q.Parts) < 2 {
		return fmt.Errorf("a question of the kind %s needs at least two parts", q.Kind)
	}
	for _, p := range q.Gold() {
		if err := p.validate(); err != nil {
			return err
		}
	}
	if q.Kind == Place && q.After == "" {
		return errors.New("a question of the kind place needs after")
	}
	return q.Plant.validate()
}

func (q Question) validateUnanswerable() error {
	if len(q.Absent) == 0 || len(q.Accept) > 0 || len(q.Parts) > 0 || q.After != "" {
		return errors.New("an unanswerable question needs absent, and has no accept, after and parts")
	}
	for _, a := range q.Absent {
		if Normalise(a) == "" {
			return fmt.Errorf("absent %q has no text", a)
		}
	}
	return nil
}

func (p Part) validate() error {
	if len(p.Pages) == 0 || len(p.Accept) == 0 {
		return errors.New("pages and accept need at least one value each")
	}
	for _, page := range p.Pages {
		if !isPath(page) {
			return fmt.Errorf("page %q must be a relative path", page)
		}
	}
	for _, a := range p.Accept {
		if n := utf8.RuneCountInString(a); Normalise(a) == "" || n > MaxExcerpt {
			return fmt.Errorf("accept %q must have 1..%d characters", a, MaxExcerpt)
		}
	}
	if p.After != "" && (Normalise(p.After) == "" || len(p.Pages) != 1 || len(p.Accept) != 1) {
		return fmt.Errorf("after %q needs a text, one page and one accepted text", p.After)
	}
	return nil
}

func (p *Plant) validate() error {
	switch {
	case p == nil:
		return nil
	case !isPath(p.Page):
		return fmt.Errorf("page %q of the plant must be a relative path", p.Page)
	case strings.TrimSpace(p.Canary) == "" || !strings.Contains(p.Text, p.Canary):
		return errors.New("the text of the plant must contain its canary")
	}
	return nil
}

func isPath(p string) bool { return fs.ValidPath(p) && p != "." }
