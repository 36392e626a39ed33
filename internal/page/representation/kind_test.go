package representation

import (
	"net/url"
	"strings"
	"testing"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	const pdf = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"
	const png = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00"
	const page = "<!DOCTYPE html><html><head><title>x</title></head><body><p>x</body></html>"
	binary := strings.Repeat("\x00\x01\x02\x80\xff\x07abc", 100)
	readme := "# Brook\n\nA client.\n\nSee [the guide](guide.md).\n"
	for name, tt := range map[string]struct {
		contentType, path, body string
		want                    Kind
	}{
		"PDF as bytes":                  {"application/octet-stream", "/x", pdf, PDF},
		"PDF as HTML":                   {"text/html", "/x", pdf, PDF},
		"PDF as text":                   {"text/plain; charset=utf-8", "/x", pdf, PDF},
		"PDF as an image":               {"image/jp2", "/x", pdf, PDF},
		"PDF without a type":            {"", "/x", pdf, PDF},
		"PDF after white space":         {"text/html", "/x", "\r\n\r\n" + pdf, PDF},
		"PDF after a warning":           {"text/html", "/x", "<br />\n<b>Warning</b>: x in y on line 1<br />\n" + pdf, PDF},
		"PDF after bytes":               {"application/pdf", "/x", "junk %PDF-1.4 1 0 obj", PDF},
		"page about PDF":                {"text/html", "/x", "<p>A PDF begins with %PDF-1.4 and a comment.\n%abc", HTML},
		"text about PDF":                {"text/plain", "/x", "The header is %PDF-1.4\n% a comment", Plain},
		"image":                         {"image/png", "/x", png, Binary},
		"image as text":                 {"text/plain", "/x", png, Binary},
		"image as HTML":                 {"text/html", "/x", png, Binary},
		"image as PDF":                  {"application/pdf", "/x", png, Binary},
		"bytes as text":                 {"text/plain", "/x", binary, Binary},
		"bytes as JSON":                 {"application/json", "/x", binary, Binary},
		"bytes as HTML":                 {"text/html; charset=utf-8", "/x", binary, Binary},
		"archive":                       {"application/zip", "/x", "PK\x03\x04\x14\x00\x00\x00\x08\x00", Binary},
		"archive as text":               {"text/html", "/x", "PK\x03\x04\x14\x00\x00\x00\x08\x00", Binary},
		"a stray zero in a page":        {"text/html", "/x", page + strings.Repeat("text ", 200) + "\x00", HTML},
		"a text about BMW":              {"text/plain", "/x", "BMW is a maker of cars.", Plain},
		"page":                          {"text/html", "/x", page, HTML},
		"page as text":                  {"text/plain", "/x", page, HTML},
		"page as bytes":                 {"application/octet-stream", "/x", "\n<!-- x -->\n" + page, HTML},
		"page as an image":              {"image/jpeg", "/x", page, HTML},
		"page as JSON":                  {"application/json", "/x", page, HTML},
		"page as XML":                   {"application/xml", "/x", page, HTML},
		"page as PDF":                   {"application/pdf", "/x", page, HTML},
		"page without a type":           {"", "/x", "<h1>x</h1>", HTML},
		"half a page as text":           {"text/plain", "/x", "<head><title>x</title>", HTML},
		"page in UTF-16 without a type": {"", "/x", "\xff\xfe<\x00h\x00t\x00m\x00l\x00>\x00", HTML},
		"a type that is none":           {"html", "/x", page, HTML},
		"fragment as HTML":              {"text/html", "/x", "just words", HTML},
		"markup in a text":              {"text/plain", "/x", "<b>This</b> is how you write bold.", Plain},
		"XHTML":                         {"application/xhtml+xml", "/x", "<html xmlns='http://www.w3.org/1999/xhtml'/>", XHTML},
		"XHTML as XML":                  {"text/xml", "/x", `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><p/></html>`, XHTML},
		"XHTML as HTML":                 {"text/html", "/x", `<?xml version="1.0"?><!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://x"><html xmlns="http://www.w3.org/1999/xhtml"><p/></html>`, XHTML},
		"RSS":                           {"application/rss+xml", "/x", `<?xml version="1.0"?><rss version="2.0"><channel/></rss>`, Feed},
		"RSS as HTML":                   {"text/html", "/x", `<rss version="2.0"><channel/></rss>`, Feed},
		"RSS as text":                   {"text/plain", "/x", "\xEF\xBB\xBF<?xml version='1.0'?>\n<!-- x --><?xml-stylesheet href='x'?><rss><channel/></rss>", Feed},
		"RSS 1.0":                       {"application/xml", "/x", `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"></rdf:RDF>`, Feed},
		"RDF":                           {"application/rdf+xml", "/x", `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF>`, XML},
		"Atom":                          {"application/xml", "/x", `<feed xmlns="http://www.w3.org/2005/Atom"></feed>`, Feed},
		"Atom with a prefix":            {"text/xml", "/x", `<a:feed xmlns:a="http://www.w3.org/2005/Atom"></a:feed>`, Feed},
		"JSON Feed":                     {"application/json", "/x", `{"version": "https://jsonfeed.org/version/1.1"}`, Feed},
		"JSON Feed of its type":         {"application/feed+json", "/x", `{"title":"x", "version": "https://jsonfeed.org/version/1"}`, Feed},
		"OPML":                          {"text/x-opml", "/x", `<?xml version="1.0"?><opml version="2.0"/>`, Outline},
		"SVG":                           {"image/svg+xml", "/x", `<svg xmlns="x"/>`, Binary},
		"SVG as XML":                    {"application/xml", "/x", `<?xml version="1.0"?><!DOCTYPE svg PUBLIC "x" "y" [<!ENTITY a "b">]><svg/>`, Binary},
		"XML":                           {"application/xml", "/x", `<?xml version="1.0"?><stations/>`, XML},
		"XML as text":                   {"text/plain", "/x", `<?xml version="1.0"?><stations/>`, XML},
		"JSON":                          {"application/json", "/x", `{"a":1}`, JSON},
		"JSON of a vendor":              {"application/vnd.api+json; charset=utf-8", "/x", `{"a":1}`, JSON},
		"JSON as text":                  {"text/plain", "/x", ` [1,2]`, JSON},
		"JSON as HTML":                  {"text/html", "/x", `{"a":1}`, JSON},
		"braces in a text":              {"text/plain", "/x", `{a} is a set`, Plain},
		"braces in HTML":                {"text/html", "/x", `{a} is a set`, HTML},
		"Markdown":                      {"text/markdown", "/x", "text", Markdown},
		"Markdown with HTML":            {"text/markdown", "/x", "<p align=center>logo</p>\n\n# Title", Markdown},
		"Markdown by ending":            {"text/plain", "/README.md", "text", Markdown},
		"Markdown by its looks":         {"text/plain", "/README", readme, Markdown},
		"Markdown with other signs":     {"text/plain; charset=utf-8", "/llms.txt", "# Title\n\n> words\n\n```\ncode\n```\n", Markdown},
		"comments of a script":          {"text/plain", "/x.sh", "#!/bin/sh\n# prints\necho hello\n", Plain},
		"comments of a configuration":   {"text/plain", "/x.conf", "# Settings\n\nmode = [fast]\n# other\n\nx = 1\n", Plain},
		"CSV":                           {"text/csv", "/x", "a,b\n1,2\n", Table},
		"CSV by ending":                 {"text/plain", "/x.csv", "a,b\n1,2\n", Table},
		"CSV as bytes":                  {"application/octet-stream", "/x.CSV", "a,b\n1,2\n", Table},
		"TSV":                           {"text/tab-separated-values", "/x", "a\tb\n", Table},
		"style":                         {"text/css", "/x", "a{}", Binary},
		"script":                        {"text/javascript", "/x", "a()", Binary},
		"script by ending":              {"application/octet-stream", "/x.js", "a()", Binary},
		"text as an image":              {"image/gif", "/x", "not here", Binary},
		"text as bytes":                 {"application/octet-stream", "/x", "plain words", Plain},
		"text of a strange type":        {"application/x-tex", "/x", "words", Plain},
		"YAML":                          {"application/yaml", "/x", "a: 1", Plain},
		"RTF":                           {"text/rtf", "/x", `{\rtf1 x}`, Binary},
		"PostScript":                    {"text/plain", "/x", "%!PS-Adobe-3.0", Binary},
		"empty":                         {"text/plain", "/x", "", Plain},
		"empty page":                    {"text/html", "/x", "", HTML},
	} {
		at, err := url.Parse("http://example.com" + tt.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := KindOf(tt.contentType, at, []byte(tt.body)); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
