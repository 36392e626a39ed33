// Package conversation has the messages between a run and its model. It keeps them within the model's window, so that the
// beginning of the requests changes rarely. It does no I/O.
package conversation

import (
	"strings"

	"legwork/internal/llm"
	"legwork/internal/research"
)

// Bounds of a request to the model, in bytes of its text. The journal keeps all results in full.
const (
	Max           = 96_000
	Min           = 6_000
	toolsSize     = 5_000 // of the descriptions of the tools, which are not in the messages
	rulesSize     = 3_000 // an estimate of the system message
	bytesPerToken = 3     // a low estimate, so that a request rather fits
	keptOfOlder   = 200   // longest text from a page that remains in an older message
)

// DefaultOutput is the greatest number of output tokens of a reply, if the model's window is large enough.
const DefaultOutput = 4096

// OutputOf returns how many output tokens a reply may have, if the model takes window tokens. 0 means that the window is
// not known.
func OutputOf(window int) int {
	if window == 0 {
		return DefaultOutput
	}
	return min(DefaultOutput, window/4)
}

// SizeOf returns how many bytes of text a request may have, if the model takes window tokens. 0 means that the window is
// not known.
func SizeOf(window int) int {
	if window == 0 {
		return Max
	}
	return min(Max, max(Min, (window-OutputOf(window))*bytesPerToken-toolsSize))
}

// Conversation is the messages so far. The first is the system message, the second the question.
type Conversation struct {
	messages  []llm.Message
	mark      string // name of the tag around text from the web
	size      int    // greatest size of the text of a request, in bytes
	keepFirst bool   // the question keeps all its text
	compacted int    // number of the first messages that are sent without texts from pages
	told      int    // value of compacted when Compacted was last called

	leftOut map[int]bool // numbers of further messages that are sent without texts from pages
}

// New begins a conversation with a question. mark is the name of the tag around text from the web, and size the greatest
// size of a request in bytes. If keepFirst is true, texts from the web in the question are never left out.
func New(question, mark string, size int, keepFirst bool) *Conversation {
	return &Conversation{messages: []llm.Message{{Role: llm.System}, {Role: llm.User, Text: question}}, mark: mark, size: size, keepFirst: keepFirst}
}

// Add adds messages.
func (c *Conversation) Add(m ...llm.Message) { c.messages = append(c.messages, m...) }

// Tell adds a sentence to the message that the model sees next.
func (c *Conversation) Tell(text string) { c.messages[len(c.messages)-1].Text += "\n\n" + text }

// Len returns the number of messages.
func (c *Conversation) Len() int { return len(c.messages) }

// LeaveOut leaves the texts from pages out of a message. Its number counts from 0.
func (c *Conversation) LeaveOut(i int) {
	if c.leftOut == nil {
		c.leftOut = map[int]bool{}
	}
	c.leftOut[i] = true
}

// Begun reports whether the model has replied.
func (c *Conversation) Begun() bool { return len(c.messages) > 2 }

// Size returns the greatest size of a request in bytes.
func (c *Conversation) Size() int { return c.size }

// Shrink makes the requests smaller after one was too long: to the size that the model's window allows, or else by half.
// It returns false if they cannot be smaller.
func (c *Conversation) Shrink(window int) bool {
	if c.size <= Min {
		return false
	}
	if named := SizeOf(window); named < c.size {
		c.size = named
	} else {
		c.size = max(Min, c.size/2)
	}
	c.Compact()
	return true
}

// Compacted reports whether texts from pages were left out since it was last called.
func (c *Conversation) Compacted() bool {
	again := c.compacted > c.told
	c.told = c.compacted
	return again
}

// Compact leaves texts from pages out of older messages if the conversation is too long: so many at once that it has half
// of its greatest size. So the beginning of the requests changes rarely, and providers can keep it in their caches. What
// the model has not read yet stays.
func (c *Conversation) Compact() {
	size := rulesSize
	for i, m := range c.messages {
		size += len(c.shownText(i, m))
	}
	if size <= c.size {
		return
	}
	for i := c.compacted; i < c.unread() && size > c.size/2; i++ {
		m := c.messages[i]
		size -= len(m.Text)
		c.compacted = i + 1
		size += len(c.shownText(i, m))
	}
}

// shownText returns the text with which a message is sent.
func (c *Conversation) shownText(i int, m llm.Message) string {
	keep := i == 0 || i == 1 && c.keepFirst
	if i >= c.compacted && !c.leftOut[i] || keep || m.Role == llm.Assistant || len(m.Text) <= keptOfOlder {
		return m.Text
	}
	return c.withoutPages(m.Text)
}

// Messages returns the messages to send, with the given text as the system message. fixed is the length of its beginning
// that all tasks have in common.
func (c *Conversation) Messages(system string, fixed int) []llm.Message {
	out := append([]llm.Message{}, c.messages...)
	size := len(system)
	for i := range out {
		out[i].Text = c.shownText(i, out[i])
		size += len(out[i].Text)
	}
	out[0].Text, out[0].Fixed = system, fixed
	most := max(keptOfOlder, c.size/max(2, len(out)-c.unread()+1))
	for i := 1; i < len(out) && size > c.size; i++ { // what the model has not read yet is cut only if nothing else helps
		if old := out[i].Text; len(old) > most && out[i].Role != llm.Assistant {
			out[i].Text = c.cutText(old, most)
			size += len(out[i].Text) - len(old)
		}
	}
	return out
}

// unread returns the number of the first message after the model's last reply.
func (c *Conversation) unread() int {
	for i := len(c.messages); i > 1; i-- {
		if c.messages[i-1].Role == llm.Assistant {
			return i
		}
	}
	return 1
}

// withoutPages returns a text without the longer texts from pages in it.
func (c *Conversation) withoutPages(text string) string {
	open, end := "<"+c.mark+">", "</"+c.mark+">"
	var b strings.Builder
	for {
		from := strings.Index(text, open)
		if from < 0 {
			break
		}
		to := strings.Index(text[from:], end)
		if to < 0 {
			break
		}
		to += from + len(end)
		b.WriteString(text[:from])
		if to-from <= keptOfOlder {
			b.WriteString(text[from:to])
		} else {
			b.WriteString("(Left out; call the tool again to see it.)")
		}
		text = text[to:]
	}
	return b.String() + text
}

// cutText shortens a text, and closes the tag around text from the web if the cut leaves it open.
func (c *Conversation) cutText(text string, most int) string {
	cut := research.Truncate(text, most)
	if strings.LastIndex(cut, "<"+c.mark+">") > strings.LastIndex(cut, "</"+c.mark+">") {
		cut += "\n</" + c.mark + ">"
	}
	return cut + "\n(The rest does not fit.)"
}
