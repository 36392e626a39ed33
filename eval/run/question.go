package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// Question is one line of a question file.
type Question struct {
	ID     string   `json:"id"`       // unique in its file; lower-case words joined with hyphens
	Text   string   `json:"question"` // 1..1000 code points, as a person would ask it
	Seed   string   `json:"seed"`     // path of the start page, relative to the root of the documentation
	Pages  []string `json:"pages"`    // paths of all pages that count as right
	Accept []string `json:"accept"`   // an excerpt of a right page must contain one of these texts
}

// maxQuestion is the greatest length of a question that the API accepts, in code points.
const maxQuestion = 1000

// readQuestions parses a question file: one JSON object per line; blank lines are ignored. Unknown keys, missing values and duplicate ids are errors that
// name the line.
func readQuestions(r io.Reader) ([]Question, error) {
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
	case strings.TrimSpace(q.Text) == "" || n > maxQuestion:
		return fmt.Errorf("question must have 1..%d characters", maxQuestion)
	case !fs.ValidPath(q.Seed) || q.Seed == ".":
		return fmt.Errorf("seed %q must be a relative path", q.Seed)
	case len(q.Pages) == 0 || len(q.Accept) == 0:
		return errors.New("pages and accept need at least one value each")
	}
	for _, p := range q.Pages {
		if !fs.ValidPath(p) || p == "." {
			return fmt.Errorf("page %q must be a relative path", p)
		}
	}
	for _, a := range q.Accept {
		if n := utf8.RuneCountInString(a); normalise(a) == "" || n > maxExcerpt {
			return fmt.Errorf("accept %q must have 1..%d characters", a, maxExcerpt)
		}
	}
	return nil
}

// checkQuestions compares questions with their manual and returns a sentence for each defect: a listed page that does
// not exist or contains no accepted text, or an accepted text that no listed page contains.
func checkQuestions(docs fs.FS, questions []Question) []string {
	var defects []string
	texts := map[string]string{}
	read := func(name string) (string, error) {
		if t, ok := texts[name]; ok {
			return t, nil
		}
		raw, err := fs.ReadFile(docs, name)
		if err != nil {
			return "", err
		}
		t, err := visibleText(bytes.NewReader(raw))
		texts[name] = normalise(t)
		return texts[name], err
	}
	for _, q := range questions {
		if _, err := fs.Stat(docs, q.Seed); err != nil {
			defects = append(defects, fmt.Sprintf("%s: seed: %v", q.ID, err))
		}
		used := make([]bool, len(q.Accept))
		for _, p := range q.Pages {
			text, err := read(p)
			if err != nil {
				defects = append(defects, fmt.Sprintf("%s: page: %v", q.ID, err))
				continue
			}
			held := false
			for i, a := range q.Accept {
				if strings.Contains(text, normalise(a)) {
					used[i], held = true, true
				}
			}
			if !held {
				defects = append(defects, fmt.Sprintf("%s: %s holds none of the accepted texts", q.ID, path.Base(p)))
			}
		}
		for i, ok := range used {
			if !ok {
				defects = append(defects, fmt.Sprintf("%s: no listed page holds %q", q.ID, q.Accept[i]))
			}
		}
	}
	return defects
}

// visibleText returns the text of an HTML document as people see it in a browser, without head, scripts and styles.
// It adds a space after elements that end a line or a table cell.
func visibleText(r io.Reader) (string, error) {
	doc, err := html.Parse(r)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		switch {
		case n.Type == html.TextNode:
			b.WriteString(n.Data)
			return
		case n.Type == html.ElementNode && hidden(n.DataAtom):
			return
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
		if n.Type == html.ElementNode && !inline(n.DataAtom) {
			b.WriteByte(' ')
		}
	}
	walk(doc)
	return b.String(), nil
}

// hidden reports whether the text in an element is not shown.
func hidden(a atom.Atom) bool {
	switch a {
	case atom.Head, atom.Script, atom.Style, atom.Template:
		return true
	}
	return false
}

// inline reports whether the text after an element continues on the same line.
func inline(a atom.Atom) bool {
	switch a {
	case atom.A, atom.Abbr, atom.B, atom.Cite, atom.Code, atom.Dfn, atom.Em, atom.I, atom.Kbd, atom.Q, atom.S, atom.Samp,
		atom.Small, atom.Span, atom.Strong, atom.Sub, atom.Sup, atom.Tt, atom.U, atom.Var:
		return true
	}
	return false
}
