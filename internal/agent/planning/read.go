package planning

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"legwork/internal/research"
)

// Bounds of a plan that a model writes. Lengths are in code points, except maxReply, which is in bytes.
const (
	maxReply    = 64 << 10
	maxQuestion = 1000
	maxPurpose  = 300
)

// Read reads the sub-questions of a reply, at most most of them. It accepts a fenced object, text around it, and a list of
// strings. ok is false if the reply has no such list. Sub-questions that are blank or repeated are left out.
func Read(reply string, most int) (subs []research.Subquestion, ok bool) {
	if len(reply) > maxReply {
		return nil, false
	}
	for start, tries := 0, 0; tries < maxStarts; start, tries = start+1, tries+1 {
		i := strings.IndexAny(reply[start:], "{[")
		if i < 0 {
			return nil, false
		}
		start += i
		if items, found := list(reply[start:]); found {
			return keep(items, most), true
		}
	}
	return nil, false
}

// maxStarts bounds how many brackets of a reply are tried as the beginning of its JSON.
const maxStarts = 20

// list decodes the list at the beginning of a text: an array, or an object that has it under a usual name.
func list(text string) ([]json.RawMessage, bool) {
	dec := json.NewDecoder(strings.NewReader(text))
	if text[0] == '[' {
		var items []json.RawMessage
		return items, dec.Decode(&items) == nil && plausible(items)
	}
	var o map[string]json.RawMessage
	if dec.Decode(&o) != nil {
		return nil, false
	}
	for _, name := range []string{"subquestions", "sub_questions", "subQuestions", "questions", "plan"} {
		var items []json.RawMessage
		if raw, has := o[name]; has && json.Unmarshal(raw, &items) == nil {
			return items, true
		}
	}
	return nil, false
}

// plausible reports whether an array without a name is a list of questions. A marker such as [1] is not.
func plausible(items []json.RawMessage) bool {
	for _, raw := range items {
		if raw[0] != '"' && raw[0] != '{' {
			return false
		}
	}
	return len(items) > 0
}

func keep(items []json.RawMessage, most int) []research.Subquestion {
	var subs []research.Subquestion
	seen := map[string]bool{}
	for _, raw := range items {
		if len(subs) == most {
			break
		}
		var s struct {
			Question string `json:"question"`
			Purpose  string `json:"purpose"`
		}
		if json.Unmarshal(raw, &s.Question) != nil && json.Unmarshal(raw, &s) != nil {
			continue
		}
		question := clean(s.Question, maxQuestion)
		if key := strings.ToLower(question); question != "" && !seen[key] {
			seen[key] = true
			subs = append(subs, research.Subquestion{Question: question, Purpose: clean(s.Purpose, maxPurpose)})
		}
	}
	return subs
}

// clean puts a text on one line, without control characters and with at most most code points.
func clean(text string, most int) string {
	text = strings.ToValidUTF8(text, "")
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }) {
		return ""
	}
	if utf8.RuneCountInString(text) > most {
		text = string([]rune(text)[:most-1]) + "…"
	}
	return text
}
