package main

import (
	"encoding/json"
	"regexp"
	"strings"

	"legwork/eval/questions"
)

// conversation is the research about one question so far. The script asks it for calls one after the other. It gives the
// recorded result of a call that was made, and takes the first one that was not made as the next call.
type conversation struct {
	q       questions.Question
	seedURL string
	seed    string // what was shown of the start page
	made    []exchange
	at      int // number of the next recorded call
	next    *toolFunction
	seen    map[string]*seenPage // by path of the page
	more    map[string]bool      // further sentences that were cited for a report

	oneQuote bool // cite takes one quote, as in older versions of legwork
	noDone   bool // there is no tool to say that the research is over; DONE says it
	last     bool // the part of the gold that is looked for is the last one
	alsoDone bool // next is the last quote, so that done is called in the same turn
}

var tagName = regexp.MustCompile(`page-text-[0-9a-f]+`)

// exchange is a tool call with its result.
type exchange struct {
	call   toolFunction
	result string
}

// done is the call that ends the research with an answer.
var done = toolFunction{Name: "done", Arguments: `{"answered":true}`}

// call returns the result of a call. ok is false if the call was not made yet; then it is the next one.
func (c *conversation) call(name string, args map[string]any) (result string, ok bool) {
	if c.at < len(c.made) && c.made[c.at].call == done && args["answered"] != true { // it did not count, because a quote of its turn was not kept
		c.at++
	}
	if c.at < len(c.made) {
		result = c.made[c.at].result
		c.at++
		return result, true
	}
	if quotes, ok := args["quotes"].([]string); ok && c.oneQuote {
		args = map[string]any{"url": args["url"], "quote": quotes[0]}
	}
	if c.next == nil {
		raw, _ := json.Marshal(args) // strings, numbers, booleans and lists of them always have a JSON form
		c.next = &toolFunction{Name: name, Arguments: string(raw)}
	}
	return "", false
}

// conversationOf reads the messages of a request for research.
func (o *oracle) conversationOf(q questions.Question, messages []message, tools []any) *conversation {
	c := &conversation{q: q, seen: map[string]*seenPage{}, more: map[string]bool{}, oneQuote: !offered(tools, "quotes"), noDone: !offered(tools, "answered")}
	key := ""
	for _, m := range messages {
		if m.Role == "user" {
			text := m.text()
			key = q.ID + tagName.FindString(text+messages[0].text()) // the tag is another one in each task
			if at := strings.Index(text, "/"+q.Seed); at > 0 {
				from := strings.LastIndexAny(text[:at], " \n\t<(") + 1
				c.seedURL = text[from : at+1+len(q.Seed)]
			}
			c.seed = text
			break
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	kept := o.results[key]
	if kept == nil {
		kept = map[string]string{}
		o.results[key] = kept
	}
	if kept["seed"] == "" {
		kept["seed"] = c.seed
	}
	c.seed = kept["seed"] // legwork leaves it out later
	for _, m := range messages {
		if m.Role == "tool" && kept[m.ToolCallID] == "" {
			kept[m.ToolCallID] = m.text()
		}
	}
	for _, m := range messages {
		for _, t := range m.ToolCalls {
			c.made = append(c.made, exchange{call: t.Function, result: kept[t.ID]})
		}
	}
	return c
}

// offered reports whether a tool has a parameter. Tools without any schema, as tests have them, count as those of the present
// version.
func offered(tools []any, parameter string) bool {
	raw, _ := json.Marshal(tools)
	return !strings.Contains(string(raw), `"properties"`) || strings.Contains(string(raw), `"`+parameter+`"`)
}

// questionOf finds the question that a conversation is about: the longest one that its messages contain.
func (o *oracle) questionOf(messages []message) (questions.Question, bool) {
	best, found := questions.Question{}, false
	for _, m := range messages {
		if m.Role != "user" && m.Role != "system" {
			continue
		}
		text := m.text()
		for _, q := range o.all {
			if len(q.Text) > len(best.Text) && strings.Contains(text, q.Text) {
				best, found = q, true
			}
		}
	}
	return best, found
}
