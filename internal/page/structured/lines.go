package structured

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// lines collects "name: value" lines, indented by how deep they stand.
type lines struct {
	strings.Builder
	count int
}

// maxIndent is the deepest level that is still shown by indentation.
const maxIndent = 12

func (l *lines) add(depth int, name, value string) {
	if looksLikeHTML(value) {
		value = words(value)
	}
	indent := strings.Repeat("  ", min(max(depth, 0), maxIndent))
	l.count++
	l.WriteString(indent)
	l.WriteString(name)
	if name != "" && name != "-" {
		l.WriteByte(':')
	}
	value = strings.TrimSpace(value)
	switch {
	case value == "":
	case strings.Contains(value, "\n"): // a text of several lines stands below its name
		for line := range strings.Lines(value) {
			if line = strings.TrimSpace(line); line != "" {
				l.WriteString("\n" + indent + "  " + line)
			}
		}
	case name == "":
		l.WriteString(value)
	default:
		l.WriteString(" " + value)
	}
	l.WriteByte('\n')
}

// full reports whether the bound of elements is reached.
func (l *lines) full() bool { return l.count >= maxElements }

const cutNote = "The document is longer or nested deeper; its beginning was read."

// JSON gives JSON, or several values of it one after the other, as lines: names with their values, lists with a dash for each
// entry, escapes undone. The error is ErrSyntax where no value can be read.
func JSON(text string) (out, note string, err error) {
	d := json.NewDecoder(strings.NewReader(strings.TrimLeft(text, "\uFEFF\x1e")))
	d.UseNumber()
	var l lines
	var open []bool // of the open objects and lists: it is an object
	name, named := "", false
	for !l.full() && len(open) <= maxDepth {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && len(open) == 0 && l.count > 0 {
			return l.String(), "", nil
		}
		if err != nil {
			if l.count == 0 {
				return "", "", fmt.Errorf("%w: %w", ErrSyntax, err)
			}
			return l.String(), "The document breaks off where it is not well formed.", nil
		}
		inObject := len(open) > 0 && open[len(open)-1]
		if key, ok := t.(string); ok && inObject && !named {
			name, named = strings.TrimSpace(key), true
			continue
		}
		label := name
		if !inObject {
			label = ""
			if len(open) > 0 {
				label = "-"
			}
		}
		name, named = "", false
		switch t := t.(type) {
		case json.Delim:
			if t == '}' || t == ']' {
				open = open[:len(open)-1]
				continue
			}
			if label != "" {
				l.add(len(open)-1, label, "")
			}
			open = append(open, t == '{')
		case nil:
			l.add(len(open)-1, label, "null")
		default:
			l.add(len(open)-1, label, fmt.Sprint(t))
		}
	}
	return l.String(), cutNote, nil
}

// element is an element of XML.
type element struct {
	name  string
	depth int
	text  strings.Builder // its own and that of its inline children
	shown bool            // its line was written, before its first child
	attrs []xml.Attr
}

// XML gives XML of any vocabulary as lines: each element with its name and text, what is inside it indented below, its
// attributes like elements. An element whose text has elements between its words is a paragraph. The error is ErrSyntax
// where nothing can be read.
func XML(text string) (out, note string, err error) {
	d := newDecoder(text)
	var l lines
	var open []*element
	for !l.full() && len(open) <= maxDepth {
		t, err := d.Token()
		if err != nil {
			for i := len(open) - 1; i >= 0; i-- {
				l.end(open[i])
			}
			switch {
			case l.count == 0:
				return "", "", fmt.Errorf("%w: %w", ErrSyntax, err)
			case errors.Is(err, io.EOF):
				return l.String(), "", nil
			}
			return l.String(), "The document breaks off where it is not well formed.", nil
		}
		switch t := t.(type) {
		case xml.StartElement:
			e := &element{name: t.Name.Local, depth: len(open), attrs: t.Copy().Attr}
			if len(open) > 0 {
				parent := open[len(open)-1]
				if strings.TrimSpace(parent.text.String()) == "" && !parent.shown {
					l.show(parent)
				}
			}
			open = append(open, e)
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].text.Write(t)
			}
		case xml.EndElement:
			if len(open) == 0 {
				continue
			}
			e := open[len(open)-1]
			open = open[:len(open)-1]
			if len(open) > 0 && !open[len(open)-1].shown { // inline: a word of the paragraph around it
				open[len(open)-1].text.WriteString(e.text.String())
				continue
			}
			l.end(e)
		}
	}
	return l.String(), cutNote, nil
}

// show writes the line of an element that has elements inside, and its attributes.
func (l *lines) show(e *element) {
	e.shown = true
	l.add(e.depth, e.name, "")
	l.attributes(e)
}

// end writes what is left to say of an element: its line, or text that came after its children.
func (l *lines) end(e *element) {
	text := strings.Join(strings.Fields(e.text.String()), " ")
	switch {
	case e.shown && text != "":
		l.add(e.depth+1, "", text)
	case !e.shown && (text != "" || len(e.attrs) > 0):
		l.add(e.depth, e.name, text)
		l.attributes(e)
	}
	e.text.Reset()
}

func (l *lines) attributes(e *element) {
	for _, a := range e.attrs {
		if a.Name.Local == "xmlns" || a.Name.Space == "xmlns" || a.Name.Local == "schemaLocation" || strings.TrimSpace(a.Value) == "" {
			continue
		}
		l.add(e.depth+1, a.Name.Local, a.Value)
	}
	e.attrs = nil
}
