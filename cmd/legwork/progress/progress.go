// Package progress shows the events of a task to a person: a line for each event, the answer while it is being
// written, and the citations.
//
// Invariant: text from pages and models cannot control the terminal.
package progress

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"legwork/api"
	"legwork/internal/research"
	"legwork/internal/terminaltext"
)

// Event is an event or delta of a stream, with the fields that are shown.
type Event struct {
	Seq         int64          `json:"seq"`
	Type        string         `json:"type"`
	Content     string         `json:"content"`
	Tool        string         `json:"tool"`
	Args        map[string]any `json:"args"`
	Result      map[string]any `json:"result"`
	Success     bool           `json:"success"`
	Error       string         `json:"error"`
	Recoverable bool           `json:"recoverable"`
	Metadata    map[string]any `json:"metadata"`
	Offset      int            `json:"offset"` // of a delta
	Text        string         `json:"text"`   // of a delta
	Frame       []byte         `json:"-"`      // the JSON from which the event was decoded
}

// Terminal reports whether the event is the last one of its log.
func (e Event) Terminal() bool {
	return e.Type == "agent:complete" || (e.Type == "agent:error" && !e.Recoverable)
}

// Printer prints events as they arrive: with colours on a terminal, otherwise as plain lines.
type Printer struct {
	w       io.Writer
	colour  bool
	writing bool   // whether a part of the answer has been printed and its line is not finished
	held    string // the first delta, which is printed only when a second one arrives; a single delta is the whole answer, which Answer prints
}

// New returns a printer that writes to w. colour chooses whether it uses the colours of a terminal.
func New(w io.Writer, colour bool) *Printer { return &Printer{w: w, colour: colour} }

// Colours of a terminal (SGR codes, ECMA-48 §8.3.117).
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
	blue  = "34"
)

func (p *Printer) paint(code, s string) string {
	if !p.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// maxLine bounds a line of progress, so that it takes at most two rows of a usual terminal.
const maxLine = 160

// Event prints one event on one line.
func (p *Printer) Event(e Event) {
	if e.Type == "agent:delta" {
		p.delta(e)
		return
	}
	p.stopWriting()
	seq := p.paint(dim, fmt.Sprintf("%4d", e.Seq)) + p.child(e)
	switch e.Type {
	case "agent:thinking":
		if e.Metadata["plan"] != nil { // each sub-question on a line of its own
			for line := range strings.SplitSeq(e.Content, "\n") {
				fmt.Fprintf(p.w, "%s  %s\n", seq, p.paint(bold, oneLine(line)))
				seq = "    "
			}
			return
		}
		fmt.Fprintf(p.w, "%s  %s\n", seq, oneLine(e.Content))
	case "agent:tool_call":
		fmt.Fprintf(p.w, "%s  %s %s\n", seq, p.paint(blue, "→ "+oneLine(e.Tool)), oneLine(brief(e.Args)))
	case "agent:tool_result":
		mark, code := "✓ ", green
		if !e.Success {
			mark, code = "✗ ", red
		}
		fmt.Fprintf(p.w, "%s  %s %s\n", seq, p.paint(code, mark+oneLine(e.Tool)), oneLine(brief(e.Result)))
	case "agent:complete":
		said := p.paint(green, "answered")
		if answered, known := e.Metadata["answered"].(bool); known && !answered {
			said = "not answered: the pages that were read do not have it"
		}
		fmt.Fprintf(p.w, "%s  %s\n", seq, said)
	case "agent:error":
		fmt.Fprintf(p.w, "%s  %s\n", seq, p.paint(red, oneLine(e.Error)))
	default:
		fmt.Fprintf(p.w, "%s  %s %s\n", seq, oneLine(e.Type), oneLine(string(e.Frame)))
	}
}

// child names the sub-question of a deep task that an event is about, if it is about one.
func (p *Printer) child(e Event) string {
	child, ok := e.Metadata["child"].(map[string]any)
	if !ok {
		return ""
	}
	number, _ := child["number"].(float64)
	return p.paint(blue, fmt.Sprintf(" [%d]", int(number)))
}

// delta prints a piece of the answer while it is being written. If the answer starts again, delta begins a new line.
func (p *Printer) delta(e Event) {
	if e.Offset == 0 {
		p.stopWriting()
		p.held = terminaltext.Clean(e.Text)
		return
	}
	text := p.held + terminaltext.Clean(e.Text)
	if p.held = ""; !p.writing {
		text = "   ✎  " + text
		p.writing = true
	}
	fmt.Fprint(p.w, p.paint(dim, strings.ReplaceAll(text, "\n", "\n      ")))
}

// stopWriting ends the line of the answer that is being written.
func (p *Printer) stopWriting() {
	if p.writing {
		fmt.Fprintln(p.w)
	}
	p.writing, p.held = false, ""
}

// brief formats an object as "key value" pairs, sorted by key, with nested values as JSON.
func brief(m map[string]any) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	parts := make([]string, 0, len(keys))
	for _, k := range keys {
		switch v := m[k].(type) {
		case string:
			parts = append(parts, k+" "+v)
		default:
			b, _ := json.Marshal(v)
			parts = append(parts, k+" "+string(b))
		}
	}
	return strings.Join(parts, " · ")
}

func oneLine(s string) string {
	return research.Truncate(strings.Join(strings.Fields(terminaltext.Clean(s)), " "), maxLine)
}

// Answer prints how a task ended, with its citations.
func (p *Printer) Answer(task api.Task) {
	fmt.Fprintln(p.w)
	if task.Answer == nil {
		text := "no answer"
		if task.Error != nil {
			text = *task.Error
		}
		fmt.Fprintf(p.w, "%s: %s\n", p.paint(red, terminaltext.Clean(string(task.Status))), terminaltext.Clean(text))
		return
	}
	fmt.Fprintln(p.w, p.paint(bold, "Answer"))
	fmt.Fprintln(p.w, p.markdown(terminaltext.Clean(withoutQuotes(*task.Answer, task.Citations))))
	fmt.Fprintln(p.w)
	p.structured(task)
	if len(task.Citations) > 0 {
		fmt.Fprintln(p.w, p.paint(bold, "Citations"), "(each excerpt was verified against the stored page)")
	}
	for i, c := range task.Citations {
		n := i + 1
		if c.N != nil {
			n = *c.N
		}
		fmt.Fprintf(p.w, "[%d] %s\n    %s%s\n", n, p.paint(bold, oneLine(c.Title)), p.paint(blue, terminaltext.Clean(c.URL)), p.paint(dim, known(c)))
		if c.Excerpt != nil {
			fmt.Fprintf(p.w, "    “%s”\n", strings.ReplaceAll(terminaltext.Clean(*c.Excerpt), "\n", "\n     "))
		}
	}
	var foot []string
	if task.Confidence != nil {
		foot = append(foot, fmt.Sprintf("confidence %.2f", *task.Confidence))
	}
	if task.Duration != nil {
		foot = append(foot, fmt.Sprintf("%.1f s", *task.Duration))
	}
	if task.Usage.Pages > 0 { // the pages of a deep task are those of its sub-questions
		foot = append(foot, fmt.Sprintf("%d pages", task.Usage.Pages))
	}
	foot = append(foot, "task "+terminaltext.Clean(task.TaskID))
	fmt.Fprintln(p.w, p.paint(dim, strings.Join(foot, " · ")))
}
