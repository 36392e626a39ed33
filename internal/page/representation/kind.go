package representation

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// Kind is a kind of document. It decides how the document is read.
type Kind string

// The kinds of documents.
const (
	Binary   Kind = ""         // not read: images, archives, programs, style sheets and scripts
	HTML     Kind = "html"     // HTML syntax
	XHTML    Kind = "xhtml"    // HTML declared as XML; it may not be well formed
	PDF      Kind = "pdf"      //
	Markdown Kind = "markdown" //
	Plain    Kind = "text"     // text that is read unchanged
	Feed     Kind = "feed"     // RSS, Atom or JSON Feed
	Outline  Kind = "opml"     //
	Table    Kind = "table"    // values separated by commas, semicolons, tabs or bars
	JSON     Kind = "json"     // valid JSON, or a document labelled as JSON
	XML      Kind = "xml"      // any other XML
)

// HeadSize is the number of bytes that KindOf reads. It reads the whole body only to recognise JSON that is not declared as JSON.
const HeadSize = 4096

// KindOf finds the kind of a document. It uses the first bytes (the WHATWG MIME Sniffing standard and further formats), then the
// Content-Type, then the ending of the address. body may be only the beginning of the document, with at least HeadSize bytes. at may be
// nil.
func KindOf(contentType string, at *url.URL, body []byte) Kind {
	declared, ending := mediaType(contentType), extension(at)
	switch {
	case isPDF(body, declared):
		return PDF
	case isBinary(body, declared):
		return Binary
	}
	text, _ := Text(body[:min(len(body), HeadSize)], contentType)
	text = strings.TrimLeft(text, "\uFEFF \t\r\n\f\x00")
	if strings.HasPrefix(text, "<") {
		if k, ok := markupKind(text, declared); ok {
			return k
		}
	}
	switch {
	case strings.HasPrefix(text, `{\rtf`), strings.HasPrefix(text, "%!PS"):
		return Binary
	case declared == "text/html" && !isJSON(text, body):
		return HTML
	case isMarkdownType(declared):
		return Markdown
	case isTableType(declared):
		return Table
	case isJSONType(declared), isJSON(text, body):
		if strings.HasPrefix(text, "{") && strings.Contains(text, "jsonfeed.org/version/") {
			return Feed
		}
		return JSON
	case unread(declared, ending):
		return Binary
	case ending == ".md" || ending == ".markdown" || ending == ".mdown" || ending == ".mkd":
		return Markdown
	case ending == ".csv" || ending == ".tsv" || ending == ".tab":
		return Table
	case looksLikeMarkdown(text):
		return Markdown
	}
	return Plain
}

// mediaType returns the type and subtype of a Content-Type, in lower case.
func mediaType(contentType string) string {
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		media, _, _ = strings.Cut(strings.ToLower(contentType), ";")
		media = strings.TrimSpace(media)
	}
	return media
}

func extension(at *url.URL) string {
	if at == nil {
		return ""
	}
	return strings.ToLower(path.Ext(at.Path))
}

// isPDF looks for the header of a PDF. As in PDF readers, other bytes may precede the header: white space always, and anything else if the
// bytes after the header prove that this is a PDF. So a page about PDF headers is not taken for a PDF.
func isPDF(body []byte, declared string) bool {
	head := body[:min(len(body), 1024)]
	if bytes.HasPrefix(bytes.TrimLeft(head, "\xEF\xBB\xBF \t\r\n\f\x00"), []byte("%PDF-")) {
		return true
	}
	i := bytes.Index(head, []byte("%PDF-"))
	if i < 0 {
		return false
	}
	if declared == "application/pdf" || declared == "application/x-pdf" {
		return true
	}
	after := body[i:min(len(body), i+64)] // a PDF has a comment of four bytes beyond ASCII after the header (ISO 32000-1 §7.5.2)
	end := bytes.IndexAny(after, "\r\n")
	if end < 0 {
		return false
	}
	after = bytes.TrimLeft(after[end:], "\r\n")
	return len(after) > 3 && after[0] == '%' && after[1] >= 0x80 && after[2] >= 0x80
}

// isControl reports whether r is what the sniffing standard calls a binary data byte.
func isControl(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\f' && r != '\r' && r != 0x1B
}

// isBinary reports whether a document is not text. Text may have a few control characters, unless it begins with the signature of a
// binary format.
func isBinary(body []byte, declared string) bool {
	head := body[:min(len(body), HeadSize)]
	if name, _ := byteOrderMark(head); name != "" {
		return false
	}
	if unmarkedUTF16(head) != "" {
		return false
	}
	controls := 0
	for _, c := range head {
		if isControl(rune(c)) {
			controls++
		}
	}
	if controls == 0 {
		return false
	}
	share := 33
	if strings.HasSuffix(declared, "html") && bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("<")) {
		share = 8 // in HTML, at most one in eight bytes may be a control character
	}
	if controls > 3 && controls*share > len(head) {
		return true
	}
	signature := http.DetectContentType(head)
	return !strings.HasPrefix(signature, "text/") && signature != "application/octet-stream" ||
		signature == "application/octet-stream" && !strings.HasPrefix(declared, "text/") && !strings.HasSuffix(declared, "xml") && controls*200 > len(head)
}

// markupKind returns the kind of a document that begins with markup, by its first element. It returns false if the element does not decide
// the kind.
func markupKind(text, declared string) (Kind, bool) {
	root, attributes, isXML := rootElement(text)
	_, local, prefixed := strings.Cut(root, ":")
	if !prefixed {
		local = root
	}
	isHTML := declared == "text/html"
	saysXML := isXML || strings.HasSuffix(declared, "xml")
	switch {
	case local == "html":
		if declared == "application/xhtml+xml" || isXML || strings.Contains(attributes, "http://www.w3.org/1999/xhtml") {
			return XHTML, true
		}
		return HTML, true
	case local == "rss", local == "RDF" && strings.Contains(text, "http://purl.org/rss/1.0/"),
		local == "feed" && (strings.Contains(attributes, "Atom") || strings.Contains(attributes, "atom") || saysXML && !isHTML):
		return Feed, true
	case local == "opml":
		return Outline, true
	case local == "svg":
		return Binary, true
	case isHTML:
		return HTML, true
	case declared == "application/xhtml+xml":
		return XHTML, true
	case saysXML:
		return XML, true
	case strings.EqualFold(local, "html") || strings.HasPrefix(strings.ToLower(text), "<!doctype html"):
		return HTML, true
	case declared == "text/plain":
		return htmlHead[strings.ToLower(root)], htmlHead[strings.ToLower(root)] != Binary
	case isMarkdownType(declared), isTableType(declared):
		return Binary, false
	case strings.HasPrefix(http.DetectContentType([]byte(text)), "text/html"):
		return HTML, true
	}
	return Binary, false
}

// htmlHead are elements that are the first element only in HTML pages.
var htmlHead = map[string]Kind{"html": HTML, "head": HTML, "body": HTML, "title": HTML, "meta": HTML}

// rootElement returns the name of the first element in a text, the rest of its tag, and whether an XML declaration precedes it. It
// skips comments, declarations and processing instructions.
func rootElement(text string) (name, attributes string, isXML bool) {
	for {
		text = strings.TrimLeft(text, " \t\r\n")
		var end string
		switch {
		case strings.HasPrefix(text, "<?"):
			isXML = isXML || strings.HasPrefix(text, "<?xml ")
			end = "?>"
		case strings.HasPrefix(text, "<!--"):
			end = "-->"
		case len(text) > 9 && strings.EqualFold(text[:9], "<!doctype"):
			if i := strings.IndexByte(text, '['); i >= 0 && i < strings.IndexByte(text+">", '>') {
				end = "]>"
			} else {
				end = ">"
			}
		case strings.HasPrefix(text, "<"):
			tag, _, _ := strings.Cut(text[1:], ">")
			tag = strings.TrimSuffix(tag, "/")
			if i := strings.IndexAny(tag, " \t\r\n"); i >= 0 {
				return tag[:i], tag[i:], isXML
			}
			return tag, "", isXML
		default:
			return "", "", isXML
		}
		_, rest, found := strings.Cut(text, end)
		if !found {
			return "", "", isXML
		}
		text = rest
	}
}

func isMarkdownType(media string) bool {
	return media == "text/markdown" || media == "text/x-markdown" || media == "text/x-web-markdown" || media == "application/markdown"
}

func isTableType(media string) bool {
	switch media {
	case "text/csv", "text/x-csv", "application/csv", "application/x-csv", "text/comma-separated-values", "text/x-comma-separated-values",
		"text/tab-separated-values", "text/tsv":
		return true
	}
	return false
}

func isJSONType(media string) bool {
	switch media {
	case "application/json", "text/json", "application/x-json", "application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-seq":
		return true
	}
	return strings.HasSuffix(media, "+json")
}

// isJSON reports whether a document that is not declared as JSON is a complete JSON object or list.
func isJSON(text string, body []byte) bool {
	if !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "[") {
		return false
	}
	return json.Valid(bytes.TrimPrefix(body, []byte("\xEF\xBB\xBF")))
}

// unread reports whether a kind of text is not read: scripts, style sheets and drawings.
func unread(media, ending string) bool {
	switch media {
	case "text/css", "text/javascript", "application/javascript", "application/x-javascript", "text/ecmascript", "text/calendar", "text/vcard", "image/svg+xml":
		return true
	case "", "application/octet-stream", "binary/octet-stream":
		return ending == ".css" || ending == ".js" || ending == ".mjs"
	}
	kind, _, _ := strings.Cut(media, "/")
	return kind == "image" || kind == "audio" || kind == "video" || kind == "font" || kind == "model"
}

// looksLikeMarkdown reports whether plain text is Markdown that is not declared as such, as hosts of raw files send it. A single sign of
// Markdown may be chance, so the text must have a heading and another sign, or three signs.
func looksLikeMarkdown(text string) bool {
	signs := map[string]bool{}
	blank := true
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		trimmed := strings.TrimLeft(line, " ")
		switch {
		case blank && isMarkdownHeading(line):
			signs["heading"] = true
		case strings.HasPrefix(trimmed, "```"), strings.HasPrefix(trimmed, "~~~"):
			signs["fence"] = true
		case strings.HasPrefix(trimmed, "|") && strings.Trim(trimmed, "|-: ") == "" && strings.Contains(trimmed, "--"):
			signs["table"] = true
		}
		if i := strings.Index(line, "]("); i > 0 && strings.LastIndexByte(line[:i], '[') >= 0 && strings.IndexByte(line[i:], ')') > 2 {
			signs["link"] = true
		}
		if i := strings.Index(line, "**"); i >= 0 && i+2 < len(line) && line[i+2] != ' ' && strings.Contains(line[i+3:], "**") {
			signs["bold"] = true
		}
		blank = trimmed == ""
	}
	return signs["heading"] && len(signs) >= 2 || len(signs) >= 3
}

// isMarkdownHeading reports whether a line is a heading such as "## Settings".
func isMarkdownHeading(line string) bool {
	level := len(line) - len(strings.TrimLeft(line, "#"))
	return level >= 1 && level <= 6 && len(line) > level+1 && line[level] == ' '
}
