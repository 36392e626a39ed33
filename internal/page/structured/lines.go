package structured

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// lines collects "name: value" lines, indented by their level.
type lines struct {
	strings.Builder
	count int
}

// maxIndent is the deepest level that has an indentation of its own.
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
	case strings.Contains(value, "\n"): // a value of several lines is written below its name
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

// full reports whether the number of lines has reached maxElements.
func (l *lines) full() bool { return l.count >= maxElements }

const cutNote = "The document is longer or nested deeper; its beginning was read."

// JSON converts one or several JSON values to lines: each name with its value, and each entry of a list after a dash. The error is
// ErrSyntax if no value can be read.
func JSON(ctx context.Context, text string) (out, note string, err error) {
	d := json.NewDecoder(newSource(ctx, strings.TrimLeft(text, "\uFEFF\x1e")))
	d.UseNumber()
	var l lines
	var open []bool // for each open object or list: true if it is an object
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

// element is an open XML element.
type element struct {
	name  string
	depth int
	text  strings.Builder // text of the element and of its inline children
	shown bool            // the element's line was written, which happens before its first child's
	attrs []xml.Attr
}

// XML converts any XML to lines. Each element becomes a line with its name and text; its attributes and child elements follow, indented. An
// element that has other elements between its words is written as a paragraph. The error is ErrSyntax if nothing can be read.
func XML(ctx context.Context, text string) (out, note string, err error) {
	d := newDecoder(ctx, text)
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
			if len(open) > 0 && !open[len(open)-1].shown { // this is an inline element, so its text belongs to the paragraph around it
				open[len(open)-1].text.WriteString(e.text.String())
				continue
			}
			l.end(e)
		}
	}
	return l.String(), cutNote, nil
}

// show writes the line and the attributes of an element that has child elements.
func (l *lines) show(e *element) {
	e.shown = true
	l.add(e.depth, e.name, "")
	l.attributes(e)
}

// end writes the line of an element, if show has not written it, and the text after its child elements.
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
