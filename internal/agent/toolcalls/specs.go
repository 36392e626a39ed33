package toolcalls

import (
	"legwork/internal/agent"
	"legwork/internal/llm"
)

// Done is the tool that models call to say that they are finished, or that the answer cannot be found.
const Done = "done"

// MaxQuotes is the greatest number of quotes in one call of cite.
const MaxQuotes = 8

// Spec describes a tool to the model. It also has the other names that models use for the tool and for its parameters.
type Spec struct {
	Name        string
	description string
	params      []param
	example     string
	aliases     []string
	browser     bool // offered only if there is a browser
	hidden      bool // not offered, but understood, because other tools do the same
}

type param struct {
	name        string
	description string // empty if the name says it all
	integer     bool
	boolean     bool
	texts       bool // the argument is a list of strings; a single string counts as a list of one
	required    bool
	aliases     []string
}

var (
	urlParam = param{name: "url", required: true,
		aliases: []string{"link", "href", "page", "uri", "address", "page_url", "website", "source"}}
	queryParam = param{name: "query", required: true,
		aliases: []string{"question", "q", "search", "text", "search_query", "keywords", "input", "term"}}
)

// specs lists all tools.
var specs = []Spec{
	{Name: agent.ToolSearch, params: []param{queryParam}, example: `{"query": "kettle descaling interval"}`,
		aliases:     []string{"search", "web_search", "google", "search_web", "search_question", "google_search"},
		description: "Search for pages."},
	{Name: agent.ToolNavigate, params: []param{urlParam}, example: `{"url": "https://example.org/page"}`,
		aliases:     []string{"navigate", "open", "open_url", "open_page", "goto", "go_to", "visit", "browse", "browser", "fetch", "visit_page", "fetch_page", "click"},
		description: "Open a page, or with #fragment a part of it."},
	{Name: agent.ToolContent, hidden: true, params: []param{urlParam}, example: `{"url": "https://example.org/page"}`,
		aliases:     []string{"get_content", "read_page", "read", "page_content"},
		description: "Get the first chunk of the text of a page."},
	{Name: agent.ToolChunk, params: []param{urlParam, {name: "chunk", integer: true, required: true,
		aliases: []string{"chunk_number", "chunk_index", "index", "page_number", "n", "number", "part"}}},
		example:     `{"url": "https://example.org/page", "chunk": 2}`,
		aliases:     []string{"get_chunk", "get_page_chunk", "read_chunk"},
		description: "Show a chunk of a long page; the first is 1."},
	{Name: agent.ToolLinks, params: []param{urlParam, {name: "contains", description: "A part of their text or address.",
		aliases: []string{"filter", "query", "text", "keyword"}}},
		example:     `{"url": "https://example.org/page", "contains": "install"}`,
		aliases:     []string{"extract_links", "get_links", "links", "list_links"},
		description: "List the links of a page, those that fit the question first."},
	{Name: agent.ToolFind, params: []param{queryParam, {name: "url", description: "Otherwise all open pages.", aliases: urlParam.aliases}},
		example:     `{"query": "how often to descale"}`,
		aliases:     []string{"find", "find_text", "search_page", "search_in_page", "find_on_page"},
		description: "Find the passages that fit a query of a few words."},
	{Name: agent.ToolCite, params: []param{urlParam, {name: "quotes", texts: true, required: true,
		aliases: []string{"quote", "text", "texts", "excerpt", "excerpts", "quotation", "quotations", "passage", "passages", "content", "citation", "citations"}},
		{name: "for", description: "The part of the question that they serve, if it has several.", aliases: []string{"part", "subquestion", "sub_question", "purpose"}}},
		example:     `{"url": "https://example.org/page", "quotes": ["Descale the kettle every month."]}`,
		aliases:     []string{"quote", "add_citation", "citation", "cite_source", "save_quote", "cite_quotes"},
		description: "Keep quotes of a page for the answer."},
	{Name: agent.ToolUncite, params: []param{{name: "evidence", integer: true, required: true,
		aliases: []string{"number", "id", "n", "index", "citation", "quote"}}},
		example:     `{"evidence": 2}`,
		aliases:     []string{"remove_citation", "remove_quote", "delete_citation", "drop_quote"},
		description: "Take back a quote."},
	{Name: agent.ToolNote, params: []param{{name: "text", required: true,
		aliases: []string{"note", "content", "message", "remark", "thought"}}},
		example:     `{"text": "The two pages describe different versions."}`,
		aliases:     []string{"take_note", "add_note", "remember", "think", "notes"},
		description: "Tell the writer how quotes belong together or contradict each other, or what is missing."},
	{Name: agent.ToolScreenshot, browser: true, params: []param{
		{name: "url", description: "Otherwise the page opened last.", aliases: urlParam.aliases},
		{name: "fullPage", boolean: true,
			aliases: []string{"full_page", "full", "fullpage", "entire_page", "whole_page", "full_screen"}}},
		example:     `{"url": "https://example.org/page", "fullPage": false}`,
		aliases:     []string{"screenshot", "screen_shot", "capture", "capture_screenshot", "capture_page", "page_screenshot", "browser_take_screenshot", "browser_screenshot"},
		description: "Take a picture of a page for the user, who asked to see it. You cannot see it. Cited pages get one anyway."},
	{Name: Done, params: []param{
		{name: "answered", boolean: true, description: "false if the pages do not answer the question.", aliases: []string{"found", "success"}},
		{name: "reason", description: "What is missing.", aliases: []string{"why", "message", "explanation", "text", "summary"}}},
		example:     `{"answered": true}`,
		description: "End the research.",
		aliases:     []string{"finish", "final_answer", "answer", "submit", "complete", "stop", "end", "finished"}},
}

// Shows reports whether the tool shows something of the web.
func (s *Spec) Shows() bool {
	switch s.Name {
	case agent.ToolSearch, agent.ToolNavigate, agent.ToolContent, agent.ToolChunk, agent.ToolLinks, agent.ToolFind:
		return true
	}
	return false
}

// offeredWith reports whether a server offers the tool. The parameter browser says whether the server has a browser;
// without one, tools that need a browser are not offered.
func (s *Spec) offeredWith(browser bool) bool { return !s.hidden && (browser || !s.browser) }

// Offered returns the tools that are offered to the model, for a server that has a browser or has none.
func Offered(browser bool) []llm.Tool {
	var out []llm.Tool
	for _, s := range specs {
		if s.offeredWith(browser) {
			out = append(out, llm.Tool{Name: s.Name, Description: s.description, Schema: s.schema()})
		}
	}
	return out
}

// schema returns the JSON Schema of a tool's arguments.
func (s *Spec) schema() map[string]any {
	properties, required := map[string]any{}, []string{}
	for _, p := range s.params {
		kind := "string"
		switch {
		case p.integer:
			kind = "integer"
		case p.boolean:
			kind = "boolean"
		}
		property := map[string]any{"type": kind}
		if p.texts {
			property = map[string]any{"type": "array", "items": map[string]any{"type": "string"}}
		}
		if p.description != "" { // the names of most parameters say it all, and each request has the schemas
			property["description"] = p.description
		}
		properties[p.name] = property
		if p.required {
			required = append(required, p.name)
		}
	}
	schema := map[string]any{"type": "object", "properties": properties}
	if len(required) > 0 { // omitted if empty, because some servers refuse an empty list
		schema["required"] = required
	}
	return schema
}

// TextTool is a tool as the system prompt shows it to models that do not support tools.
type TextTool struct{ Name, Description, Arguments string }

// TextTools returns the tools for the system prompt, for a server that has a browser or has none.
func TextTools(browser bool) []TextTool {
	var out []TextTool
	for _, s := range specs {
		if s.offeredWith(browser) {
			out = append(out, TextTool{Name: s.Name, Description: s.description, Arguments: s.example})
		}
	}
	return out
}
