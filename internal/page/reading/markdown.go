package reading

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/marker"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/plaintext"
)

// maxIndent is the deepest indentation of a definition: four spaces would make Markdown readers see a code block.
const maxIndent = 3

// markdown renders the tree below n, which it changes, as Markdown that reads like the page: block structure is kept,
// inline markup is not, and nothing is escaped.
func markdown(n *html.Node) (string, error) {
	flatten(n)
	conv := converter.NewConverter(
		converter.WithEscapeMode(converter.EscapeModeDisabled),
		converter.WithPlugins(
			base.NewBasePlugin(),
			commonmark.NewCommonmarkPlugin(commonmark.WithListEndComment(false)),
			quotable{},
		),
	)
	out, err := conv.ConvertNode(n)
	if err != nil {
		return "", fmt.Errorf("render as Markdown: %w", err)
	}
	return strings.Trim(plaintext.Clean(unmark.Replace(string(out))), "\n"), nil
}

// Characters that plaintext.Clean never lets through, which the renderer uses for itself: Unicode sets U+FDD0..U+FDEF aside
// for such internal use (The Unicode Standard, §23.7).
const (
	markLess    = '\uFDD0' // a literal < while the Markdown library would escape it
	markGreater = '\uFDD1' // a literal >
)

var (
	mark   = strings.NewReplacer("<", string(markLess), ">", string(markGreater))
	unmark = strings.NewReplacer(string(markLess), "<", string(markGreater), ">")
)

// quotable is the plugin that overrides what the library does for round trips and what a quote must not show.
type quotable struct{}

// Name implements converter.Plugin.
func (quotable) Name() string { return "quotable" }

// Init implements converter.Plugin.
func (quotable) Init(conv *converter.Converter) error {
	early := converter.PriorityEarly
	// The base plugin writes &lt; for <, even inside words. It must not see them.
	conv.Register.TextTransformer(func(_ converter.Context, s string) string { return mark.Replace(s) }, early)
	conv.Register.RendererFor("br", converter.TagTypeInline, renderBreak, early)
	conv.Register.RendererFor("hr", converter.TagTypeBlock, renderRule, early)
	conv.Register.RendererFor("dl", converter.TagTypeBlock, renderDefinitions, early)
	conv.Register.RendererFor("table", converter.TagTypeBlock, renderTable, early)
	for _, tag := range []string{"dt", "dd", "tr", "td", "th", "caption", "figcaption", "summary", "details", "legend", "label", "button"} {
		conv.Register.TagType(tag, converter.TagTypeBlock, early)
	}
	return nil
}

func renderBreak(_ converter.Context, w converter.Writer, _ *html.Node) converter.RenderStatus {
	_ = w.WriteByte('\n')
	return converter.RenderSuccess
}

func renderRule(_ converter.Context, w converter.Writer, _ *html.Node) converter.RenderStatus {
	_, _ = w.WriteString("\n\n")
	return converter.RenderSuccess
}

// renderDefinitions renders a definition list: each term a bold line of its own, what it means in paragraphs below,
// indented by one space. A list without any definitions (a table of contents, an index) becomes a plain list.
func renderDefinitions(ctx converter.Context, w converter.Writer, n *html.Node) converter.RenderStatus {
	entries := definitionParts(n)
	defines := false
	for _, e := range entries {
		defines = defines || e.DataAtom == atom.Dd && hasProse(e)
	}
	var out bytes.Buffer
	for i, e := range entries {
		var buf bytes.Buffer
		ctx.RenderChildNodes(ctx, &buf, e)
		content := trimBlock(buf.Bytes())
		if len(content) == 0 {
			continue
		}
		next := i+1 < len(entries) && entries[i+1].DataAtom == atom.Dt
		switch {
		case !defines && e.DataAtom == atom.Dt:
			out.WriteString("- ")
			out.Write(indent(content, "  ", false))
			out.WriteByte('\n')
		case !defines:
			out.Write(indent(content, "  ", true))
			out.WriteByte('\n')
		case e.DataAtom == atom.Dt:
			writeTerm(&out, content)
			if next { // several terms of one definition stay together
				out.WriteByte('\n')
			} else {
				out.WriteString("\n\n")
			}
		default:
			out.Write(indent(content, " ", true))
			out.WriteString("\n\n")
		}
	}
	_, _ = w.WriteString("\n\n")
	_, _ = w.Write(bytes.TrimRight(out.Bytes(), "\n"))
	_, _ = w.WriteString("\n\n")
	return converter.RenderSuccess
}

// definitionParts lists the dt and dd elements of a dl, looking through the div wrappers that HTML allows there.
func definitionParts(n *html.Node) []*html.Node {
	var parts []*html.Node
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.Type != html.ElementNode:
		case c.DataAtom == atom.Dt || c.DataAtom == atom.Dd:
			parts = append(parts, c)
		case c.DataAtom == atom.Div:
			parts = append(parts, definitionParts(c)...)
		default: // not allowed there, but its text is still text
			c.DataAtom = atom.Dd
			parts = append(parts, c)
		}
	}
	return parts
}

// hasProse reports whether n holds text of its own, outside nested definition lists.
func hasProse(n *html.Node) bool {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch {
		case c.Type == html.TextNode && strings.TrimSpace(c.Data) != "":
			return true
		case c.Type == html.ElementNode && c.DataAtom != atom.Dl && hasProse(c):
			return true
		}
	}
	return false
}

func writeTerm(w *bytes.Buffer, content []byte) {
	for i, line := range strings.Split(string(content), "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if i > 0 {
			w.WriteByte('\n')
		}
		w.WriteString("**" + line + "**")
	}
}

// trimBlock drops the empty lines around a rendered block but not the indentation of its first line.
func trimBlock(b []byte) []byte {
	b = bytes.TrimRight(b, " \t\n")
	for {
		i := bytes.IndexByte(b, '\n')
		if i < 0 || len(bytes.TrimSpace(b[:i])) > 0 {
			break
		}
		b = b[i+1:]
	}
	if i := bytes.IndexByte(b, '\n'); i < 0 {
		return bytes.TrimSpace(b)
	}
	return b
}

// indent puts prefix before every line of content that is not empty, except before the first one if first is false.
// Lines that are indented by maxIndent already, and are no list, stay where they are.
func indent(content []byte, prefix string, first bool) []byte {
	// Line ends inside code blocks are held back by the library until the end.
	content = bytes.ReplaceAll(content, marker.BytesMarkerCodeBlockNewline, append(bytes.Clone(marker.BytesMarkerCodeBlockNewline), prefix...))
	var out bytes.Buffer
	for i, line := range bytes.Split(content, []byte("\n")) {
		if i > 0 {
			out.WriteByte('\n')
		}
		if len(line) > 0 && (i > 0 || first) && (len(prefix) > 1 || leading(line) < maxIndent) {
			out.WriteString(prefix)
		}
		out.Write(line)
	}
	return out.Bytes()
}

func leading(line []byte) int { return len(line) - len(bytes.TrimLeft(line, " ")) }
