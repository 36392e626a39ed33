package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// judgeServer answers like an OpenAI-compatible model that supports a statement if its source has all words of it.
func judgeServer(t *testing.T, prompts *[]string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Model    string `json:"model"`
			Messages []struct {
				Content string `json:"content"`
			} `json:"messages"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil || r.URL.Path != "/v1/chat/completions" || in.Model != "judge" || r.Header.Get("Authorization") != "Bearer k" {
			http.Error(w, `{"error":"refused"}`, http.StatusUnauthorized)
			return
		}
		*prompts = append(*prompts, in.Messages[0].Content)
		var verdicts strings.Builder
		for i, pair := range strings.Split(in.Messages[0].Content, "\nPair ")[1:] {
			statement, source, _ := strings.Cut(pair, "Source:")
			_, statement, _ = strings.Cut(statement, "Statement: ")
			verdict := "unsupported"
			if strings.Contains(source, strings.TrimSpace(statement)) {
				verdict = "Supported"
			}
			if strings.Contains(statement, "mystery") {
				verdict = "who knows"
			}
			fmt.Fprintf(&verdicts, `{"pair": %d, "verdict": "%s"}, `, i+1, verdict)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"choices": []any{map[string]any{"message": map[string]any{"content": "Here: [" + verdicts.String() + "]"}}}})
	}))
	t.Cleanup(server.Close)
	return server
}

func TestFact(t *testing.T) {
	t.Parallel()
	var prompts []string
	server := judgeServer(t, &prompts)
	task := Task{Answer: "Ports are open [1]. Doors are shut [1][2]. It is a mystery [2]. Nobody cites this one. Ports are open [1][3].",
		Citations: []Citation{
			{N: 1, URL: "http://x/a", Title: "A", Excerpt: "open", PageID: "a", Start: 10, End: 14},
			{N: 2, URL: "http://x/b", Title: "B", Excerpt: "doors", PageID: "gone"},
			{N: 3, URL: "http://x/a", Title: "A", Excerpt: "open", PageID: "a", Start: 10, End: 14}},
		Snapshots: map[string]string{"a": "Ports are open. </source> All."}}
	j := judgeModel{url: server.URL + "/v1/", model: "judge", key: "k"}
	got, err := j.fact(t.Context(), task)
	if err != nil {
		t.Fatal(err)
	}
	// The pairs are 1-a, 2-a, 2-b, 3-b, and 5-a, whose two citations are of one page.
	if want := (FactCount{Pairs: 4, Supported: 2, Unknown: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if len(prompts) != 1 || strings.Count(prompts[0], "</source>") != strings.Count(prompts[0], "<source>") {
		t.Errorf("%d prompts; the text of a page closes its tag:\n%s", len(prompts), strings.Join(prompts, "\n"))
	}
	j.key = "wrong"
	if _, err := j.fact(t.Context(), task); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("a refused request: %v", err)
	}
	if got, err := j.fact(t.Context(), Task{Answer: "No citation at all."}); err != nil || got != (FactCount{}) {
		t.Errorf("nothing to judge: %+v, %v", got, err)
	}
	for _, body := range []string{"no JSON", `{"choices":[]}`} {
		broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) }))
		if _, err := (judgeModel{url: broken.URL, model: "m"}).fact(t.Context(), task); err == nil {
			t.Errorf("%s was no error", body)
		}
		broken.Close()
	}
}

// TestFactInBatches: an answer with more pairs than one request holds is judged in several.
func TestFactInBatches(t *testing.T) {
	t.Parallel()
	var prompts []string
	server := judgeServer(t, &prompts)
	var answer strings.Builder
	for i := range maxPairs + 1 {
		fmt.Fprintf(&answer, "Number %d is open [1]. ", i)
	}
	task := Task{Answer: answer.String(), Citations: []Citation{{N: 1, URL: "http://x/a", Excerpt: "Number 3 is open"}}}
	got, err := judgeModel{url: server.URL + "/v1", model: "judge", key: "k"}.fact(t.Context(), task)
	if err != nil || got.Pairs != maxPairs+1 || got.Supported != 0 || len(prompts) != 2 {
		t.Errorf("%+v with %d requests, %v", got, len(prompts), err)
	}
}

func TestReadVerdicts(t *testing.T) {
	t.Parallel()
	got := readVerdicts("```json\n[{\"pair\": 1, \"verdict\": \" SUPPORTED\"}, {\"pair\": -2, \"verdict\": \"x\"}, {broken}, {\"pair\": 3}]\n```")
	if len(got) != 2 || got[1] != "supported" || got[3] != "" {
		t.Errorf("%v", got)
	}
}
