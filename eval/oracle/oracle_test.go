package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"legwork/eval/questions"
)

const shownStart = "<page-text-0a>\nStart\n</page-text-0a>"

const root = "http://127.0.0.1:4711/"

// legwork plays the tools of legwork for a conversation, and returns the calls that the oracle makes until it says that
// the research is over. tool returns the result of a call.
func legwork(t *testing.T, all []questions.Question, question string, tool func(name string, args map[string]any) string) []string {
	t.Helper()
	server := httptest.NewServer(newOracle(all))
	t.Cleanup(server.Close)
	messages := []message{{Role: "system", Content: "You are a careful web researcher."},
		{Role: "user", Content: "Question: " + question + "\nThe start page " + root + "index.html was opened:\n" + shownStart}}
	var calls []string
	for range 60 {
		var out struct {
			Choices []struct {
				Message message `json:"message"`
			} `json:"choices"`
		}
		post(t, server, map[string]any{"model": "oracle", "messages": messages, "tools": []any{map[string]any{}}}, &out)
		m := out.Choices[0].Message
		if len(m.ToolCalls) == 0 {
			if m.text() != "DONE" {
				t.Errorf("the oracle says %q", m.text())
			}
			return calls
		}
		var results []message
		unkept := false
		for _, call := range m.ToolCalls {
			args := map[string]any{}
			if err := json.Unmarshal([]byte(call.Function.Arguments), &args); err != nil {
				t.Fatal(err)
			}
			calls = append(calls, call.Function.Name+" "+call.Function.Arguments)
			if call.Function.Name == "done" && args["answered"] == true && !unkept {
				return calls
			}
			result := tool(call.Function.Name, args)
			unkept = unkept || strings.HasPrefix(result, "Not kept")
			results = append(results, message{Role: "tool", ToolCallID: call.ID, Content: result})
		}
		for i := range messages { // legwork leaves old texts out
			if messages[i].Role == "tool" {
				messages[i].Content = "shortened"
			}
			if messages[i].Role == "user" {
				messages[i].Content = strings.Replace(messages[i].text(), shownStart, "(Left out)", 1)
			}
		}
		messages = append(append(messages, m), results...)
	}
	t.Fatalf("the oracle does not end: %q", calls)
	return nil
}

func post(t *testing.T, server *httptest.Server, in, out any) {
	t.Helper()
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(server.URL+"/v1/chat/completions", "application/json", bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if err := json.NewDecoder(res.Body).Decode(out); err != nil {
		t.Fatal(err)
	}
}

func shown(text string) string { return "Result:\n<page-text-0a>\n" + text + "\n</page-text-0a>" }

func question(kind, text string, parts ...questions.Part) questions.Question {
	return questions.Question{ID: "q", Kind: kind, Text: text, Seed: "index.html", Parts: parts}
}

func TestResearch(t *testing.T) {
	t.Parallel()
	part := questions.Part{Pages: []string{"a.html"}, Accept: []string{"the size is 5"}}
	const kept = "Kept as evidence 1, from x"
	for _, tt := range []struct {
		name  string
		q     questions.Question
		tools map[string]string // results by the beginning of the call
		want  []string          // the beginnings of the calls
	}{
		{"shown at once", question(questions.Fact, "What size?", part), map[string]string{"navigate_to": shown("A\n\nOpen it. The size is **5**. Close it."), "cite": kept},
			[]string{"extract_links", "navigate_to", `cite {"quotes":["The size is **5**."],"url":"http://127.0.0.1:4711/a.html"}`, `done {"answered":true}`}},
		{"found by a query", question(questions.Fact, "What size?", part), map[string]string{
			"find_in_page": shown(root + "a.html (Size):\nThe size is 5.\n\n" + root + "a.html (Other):\nNothing."), "cite": kept},
			[]string{"extract_links", "navigate_to", "find_in_page", `cite {"quotes":["The size is 5."]`, "done"}},
		{"found by a query of a newer version", question(questions.Fact, "What size?", part), map[string]string{
			"find_in_page": shown(root + "a.html\n(the size is 5, chunk 1)\nNothing.\n\n(chunk 2)\nThe size ⟨b.html⟩ is 5."), "cite": kept},
			[]string{"extract_links", "navigate_to", "find_in_page", `cite {"quotes":["The size is 5."]`, "done"}},
		{"shown as a fitting passage", question(questions.Fact, "What size?", part), map[string]string{
			"navigate_to": shown("A") + "\nThe passages that fit the question best:\n" + shown("(B, chunk 2)\nThe size is 5.")[len("Result:\n"):], "cite": kept},
			[]string{"extract_links", "navigate_to", `cite {"quotes":["The size is 5."]`, "done"}},
		{"read chunk by chunk", question(questions.Fact, "What size?", part), map[string]string{
			`get_page_content_chunk {"chunk":1`: "x, chunk 1 of 3:\n" + shown("Nothing."), `get_page_content_chunk {"chunk":2`: "x, chunk 2 of 3:\n" + shown("The size is 5."), "cite": kept},
			[]string{"extract_links", "navigate_to", "find_in_page", "find_in_page", `get_page_content_chunk {"chunk":1`, `get_page_content_chunk {"chunk":2`, "cite", "done"}},
		{"never shown, so never cited", question(questions.Fact, "What size?", part), map[string]string{
			`get_page_content_chunk {"chunk":1`: "x, chunk 1 of 1:\n" + shown("Nothing.")},
			[]string{"extract_links", "navigate_to", "find_in_page", "find_in_page", "get_page_content_chunk", `done {"answered":false`, "find_in_page", `done {"answered":false`}},
		{"not kept", question(questions.Fact, "What size?", part), map[string]string{"navigate_to": shown("The size is 5."), "cite": "Not kept: no."},
			[]string{"extract_links", "navigate_to", "cite", `done {"answered":true}`, `done {"answered":false`, "find_in_page", `done {"answered":false`}},
		{"no answer", questions.Question{ID: "q", Kind: questions.Unanswerable, Text: "What size?", Seed: "index.html", Pages: []string{"a.html"}}, nil,
			[]string{"find_in_page", "extract_links", "navigate_to", "find_in_page", `done {"answered":false`, "find_in_page", `done {"answered":false`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := legwork(t, []questions.Question{question(questions.Fact, "size"), tt.q}, tt.q.Text, func(name string, args map[string]any) string {
				raw, _ := json.Marshal(args)
				for _, full := range []bool{true, false} {
					for prefix, result := range tt.tools {
						if full == strings.Contains(prefix, " ") && strings.HasPrefix(name+" "+string(raw), prefix) {
							return result
						}
					}
				}
				return "Nothing."
			})
			if len(got) != len(tt.want) {
				t.Fatalf("calls %q, want %q", got, tt.want)
			}
			for i, w := range tt.want {
				if !strings.HasPrefix(got[i], w) {
					t.Errorf("call %d is %q, want %q", i+1, got[i], w)
				}
			}
		})
	}
}

// TestRepeatedWords: a quote that was kept at another place than the right one is taken back and cited with more words.
func TestRepeatedWords(t *testing.T) {
	t.Parallel()
	q := question(questions.Place, "Is beta on?", questions.Part{Pages: []string{"index.html"}, Accept: []string{"Off by default."}, After: "Beta switch"})
	chunk := "x, chunk 1 of 1:\n" + shown("Alpha switch\nIt is one. Off by default.\n\nBeta switch\nIt is two. Off by default.")
	var quoted []any
	calls := legwork(t, []questions.Question{q}, q.Text, func(name string, args map[string]any) string {
		switch name {
		case "get_page_content_chunk":
			return chunk
		case "cite":
			quoted = append(quoted, args["quotes"])
			return fmt.Sprintf("Kept as evidence %d, from x:\nUnder: Alpha switch\nThese words stand 2 times on the page; number 1 was kept. They stand under:\n1. Alpha switch\n2. Beta switch", len(quoted))
		}
		return "Nothing."
	})
	if !slices.ContainsFunc(calls, func(c string) bool { return c == `uncite {"evidence":1}` }) {
		t.Errorf("calls %q", calls)
	}
	if got := fmt.Sprint(quoted); got != "[[Off by default.] [Beta switch\nIt is two. Off by default.]]" {
		t.Errorf("quoted %s", got)
	}
}

func TestWriteAnswer(t *testing.T) {
	t.Parallel()
	o := &oracle{all: []questions.Question{question(questions.Fact, "What size?")}, results: map[string]map[string]string{}}
	prompt := "Question: What size?\n\nQuotes:\n\n[1] from http://x/a\n<page-text-0a>\nTitle\n\nThe size is 5. It fits.\n</page-text-0a>\n\n" +
		"[2] from http://x/b\n<page-text-0a>\nOther\n\n- one | 2\n- three\n</page-text-0a>\nWrite the answer to the question now, with the numbers of the quotes."
	got := o.reply(request{Messages: []message{{Role: "user", Content: prompt}}}).text
	if want := "The size is 5 [1]. It fits [1].\n\none 2 three [2]."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	got = o.reply(request{Messages: []message{{Role: "user", Content: []any{map[string]any{"type": "text", "text": "Judge.\n\nPair 1\n<page-text-0a>\nSentence: The size is 5\nUnder: Sizes\nQuote: The *size*\nis 5.\n</page-text-0a>\n\n" +
		"Pair 2\n<page-text-0a>\nSentence: The size is 6\nUnder: Sizes › Size\nQuote: The size is 5.\n</page-text-0a>\n"}}}}}).text
	if want := `[{"pair":1,"verdict":"supported"},{"pair":2,"verdict":"partial"}]`; got != want {
		t.Errorf("got %s", got)
	}
	got = o.reply(request{Messages: []message{{Role: "user", Content: "What size?\n\n[1] from http://x/a (2024), for: size\n<page-text-0a>\nTitle › Size\n\n(before) It is big.\nThe size is 5.\n(after) It fits.\n</page-text-0a>\n"}}}).text
	if want := "The size is 5 [1]."; got != want {
		t.Errorf("with context: %q, want %q", got, want)
	}
	got = o.reply(request{Messages: []message{{Role: "user", Content: strings.Replace(prompt, "Write the answer to the question now, with the numbers of the quotes.", "Plan the report now.", 1)}}}).text
	if want := `{"sections":[{"heading":"Title (1)","quotes":["1"]},{"heading":"Other (2)","quotes":["2"]}],"title":"What size?"}`; got != want {
		t.Errorf("planned %s", got)
	}
	got = o.reply(request{Messages: []message{{Role: "user", Content: strings.Replace(prompt, "Write the answer to the question now, with the numbers of the quotes.", "Finish the report now.", 1)}}}).text
	if !strings.HasPrefix(got, "SUMMARY\nThe size is 5 [1]. It fits [1].\n\none 2 three [2].\n\nOPEN QUESTIONS") {
		t.Errorf("finished with %s", got)
	}
	if got := o.reply(request{Messages: []message{{Role: "user", Content: "Who are you?"}}}).text; !strings.Contains(got, "do not know") {
		t.Errorf("an unknown question: %q", got)
	}
}

func TestSentenceWith(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 100)
	for _, tt := range []struct{ name, text, accept, after, want string }{
		{"a sentence", "One is here. Two is `there`. Three.", "two is there", "", "Two is `there`."},
		{"over two lines", "The value\nis five. More.", "value is five", "", "The value\nis five."},
		{"a table row", "| a | b |\n| port | 5432 |", "port 5432", "", "| port | 5432 |"},
		{"a sentence that is too long", long + "and the end of it.", "the end of it", "", "the end of it"},
		{"none", "One is here.", "two is there", "", ""},
		{"behind its place", "A: off by default. B: off by default.", "off by default", "B:", "off by default."},
		{"not behind its place", "A: off by default. B: on.", "off by default", "B:", ""},
	} {
		if got := sentenceWith(tt.text, questions.Part{Accept: []string{tt.accept}, After: tt.after}); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestUsage: tokens are counted by length, and those of a common beginning count as cached.
func TestUsage(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newOracle([]questions.Question{question(questions.Fact, "What size?")}))
	t.Cleanup(server.Close)
	type usage struct {
		Usage struct {
			Prompt  int `json:"prompt_tokens"`
			Details struct {
				Cached int `json:"cached_tokens"`
			} `json:"prompt_tokens_details"`
		} `json:"usage"`
	}
	var first, second usage
	begin := strings.Repeat("a long beginning ", 500)
	post(t, server, map[string]any{"messages": []message{{Role: "user", Content: begin + "one"}}}, &first)
	post(t, server, map[string]any{"messages": []message{{Role: "user", Content: begin + "two"}}}, &second)
	if first.Usage.Details.Cached != 0 || second.Usage.Details.Cached < 1900 || second.Usage.Details.Cached > second.Usage.Prompt || second.Usage.Prompt < 2000 {
		t.Errorf("%+v, %+v", first, second)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newOracle([]questions.Question{question(questions.Fact, "What size?")}))
	t.Cleanup(server.Close)
	res, err := http.Post(server.URL+"/v1/chat/completions", "application/json", strings.NewReader(`{"stream":true,"messages":[{"role":"user","content":"What size?\n[1] from x\n<page-text-0a>\nT\n\nThe size is 5.\n</page-text-0a>"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var all bytes.Buffer
	_, _ = all.ReadFrom(res.Body)
	text := ""
	for line := range strings.Lines(all.String()) {
		var chunk struct {
			Choices []struct {
				Delta struct {
					Content string `json:"content"`
				} `json:"delta"`
			} `json:"choices"`
		}
		if data, ok := strings.CutPrefix(line, "data: {"); ok && json.Unmarshal([]byte("{"+data), &chunk) == nil && len(chunk.Choices) > 0 {
			text += chunk.Choices[0].Delta.Content
		}
	}
	if text != "The size is 5 [1]." || !strings.Contains(all.String(), `"prompt_tokens"`) || !strings.HasSuffix(all.String(), "data: [DONE]\n\n") {
		t.Errorf("%q from\n%s", text, all.String())
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--questions", "nowhere.jsonl"}, {"--speed"}} {
		if err := run(t.Context(), args, &bytes.Buffer{}, &bytes.Buffer{}); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	server := httptest.NewServer(newOracle(nil))
	t.Cleanup(server.Close)
	for _, body := range []string{"", "{}", `{"messages":[]}`, "[]"} {
		res, err := http.Post(server.URL+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: %d", body, res.StatusCode)
		}
	}
}
