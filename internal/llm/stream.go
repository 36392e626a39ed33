package llm

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"legwork/internal/goroutine"
)

// streamCheck passes on the lines of an event stream. It fails in three cases in which langchaingo would report success:
// an error event, an end of the stream without an end mark, and a line that is too long. The end mark may be missing
// after the reason why the model stopped, because some servers send none. Some of them leave the connection open, so the
// stream ends at most afterFinish later. A line of more than maxLine bytes is too long
// for langchaingo. In OpenAI's protocol, such a line of up to maxLongLine bytes is cut into several events.
type streamCheck struct {
	src      *bufio.Reader
	body     io.Closer
	x        *exchange
	provider string
	line     []byte
	ended    bool
	last     *time.Timer // ends the stream after the reason why the model stopped; nil before
	late     atomic.Bool // last has ended the stream
	err      error
}

// afterFinish is how long a stream may go on after the reason why the model stopped, for its usage and its end mark.
const afterFinish = 2 * time.Second

// Read implements io.Reader.
func (g *streamCheck) Read(p []byte) (int, error) {
	for len(g.line) == 0 {
		if g.err != nil {
			return 0, g.err
		}
		g.next()
	}
	n := copy(p, g.line)
	g.line = g.line[n:]
	return n, nil
}

func (g *streamCheck) next() {
	line, err := g.readLine()
	data, isData := strings.CutPrefix(string(bytes.TrimSpace(line)), "data:")
	data = strings.TrimSpace(data)
	switch {
	case errors.Is(err, errLongLine):
		line = nil
	case isData && isStreamError(data):
		err, line = &streamError{data: data}, nil
	case isData && (data == "[DONE]" || g.provider == Anthropic && strings.Contains(data, `"message_stop"`)):
		g.ended = true
	case isData && g.provider != Anthropic && hasFinishReason(data):
		g.ended = true
		if g.last == nil {
			g.last = goroutine.AfterDelay(context.Background(), afterFinish, func() {
				g.late.Store(true)
				_ = g.body.Close() // this ends the read that waits
			})
		}
	}
	if err != nil && g.late.Load() {
		err = io.EOF
	}
	if len(line) > maxLine {
		if line = cutEvent(data); line == nil {
			err = errLongLine
		}
	}
	g.line = line
	if errors.Is(err, io.EOF) && !g.ended {
		err = errCut
	}
	if err != nil {
		g.err = err
		if !errors.Is(err, io.EOF) {
			g.x.fail(err)
		}
	}
}

// readLine reads a line of at most maxLongLine bytes.
func (g *streamCheck) readLine() ([]byte, error) {
	var whole []byte
	for {
		part, err := g.src.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) && whole == nil {
			return part, err
		}
		if len(whole)+len(part) > maxLongLine {
			return nil, errLongLine
		}
		whole = append(whole, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return whole, err
		}
	}
}

// Close implements io.Closer.
func (g *streamCheck) Close() error {
	if g.last != nil {
		g.last.Stop()
	}
	return g.body.Close()
}

// chunk is an event of OpenAI's stream, with only those fields that are used here.
type chunk struct {
	Choices []chunkChoice   `json:"choices"`
	Usage   json.RawMessage `json:"usage,omitempty"`
}

type chunkChoice struct {
	Index        int     `json:"index"`
	Delta        delta   `json:"delta"`
	FinishReason *string `json:"finish_reason"`
}

type delta struct {
	Content string `json:"content"`
}

func hasFinishReason(data string) bool {
	var c chunk
	return strings.Contains(data, `"finish_reason"`) && json.Unmarshal([]byte(data), &c) == nil && len(c.Choices) > 0 &&
		c.Choices[0].FinishReason != nil && *c.Choices[0].FinishReason != ""
}

// pieceRunes is the length of the pieces of a long event, in code points. Even if each code point takes six bytes in
// JSON, the line is shorter than maxLine.
const pieceRunes = 8000

// cutEvent converts a long event of OpenAI's protocol into several events with the same text. It returns nil if data is
// not such an event.
func cutEvent(data string) []byte {
	var c chunk
	if json.Unmarshal([]byte(data), &c) != nil || len(c.Choices) == 0 {
		return nil
	}
	first := c.Choices[0]
	return events(first.Delta.Content, first.FinishReason, c.Usage)
}

// events writes a text as events of OpenAI's protocol.
func events(text string, finish *string, usage json.RawMessage) []byte {
	var b bytes.Buffer
	write := func(c chunk) {
		raw, _ := json.Marshal(c) // this cannot fail: the fields are strings, and JSON that was just decoded
		b.WriteString("data: ")
		b.Write(raw)
		b.WriteString("\n\n")
	}
	for text != "" {
		n := 0
		for range pieceRunes {
			_, size := utf8.DecodeRuneInString(text[n:])
			if n += size; n >= len(text) {
				break
			}
		}
		write(chunk{Choices: []chunkChoice{{Delta: delta{Content: text[:n]}}}})
		text = text[n:]
	}
	write(chunk{Choices: []chunkChoice{{FinishReason: finish}}, Usage: usage})
	return b.Bytes()
}

// streamOf converts a whole reply of OpenAI's protocol into a stream. It is for servers that send a whole reply although
// a stream was requested. It returns nil if the body is not such a reply.
func streamOf(body []byte) []byte {
	var r struct {
		Choices []struct {
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
			FinishReason *string `json:"finish_reason"`
		} `json:"choices"`
		Usage json.RawMessage `json:"usage"`
	}
	if json.Unmarshal(body, &r) != nil || len(r.Choices) == 0 {
		return nil
	}
	return append(events(r.Choices[0].Message.Content, r.Choices[0].FinishReason, r.Usage), "data: [DONE]\n\n"...)
}

// streamError is an error that a provider sent inside a stream.
type streamError struct{ data string }

// Error implements error.
func (e *streamError) Error() string { return "error inside the stream: " + e.data }

func isStreamError(data string) bool {
	var v struct {
		Type  string          `json:"type"`
		Error json.RawMessage `json:"error"`
	}
	return strings.Contains(data, `"error"`) && json.Unmarshal([]byte(data), &v) == nil &&
		(v.Type == "error" || len(v.Error) > 0 && string(v.Error) != "null")
}
