package wire_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"legwork/internal/research"
	"legwork/internal/wire"
)

var limits = wire.Limits{MinBudget: 30 * time.Second, DefaultBudget: 300 * time.Second, MaxBudget: 600 * time.Second, MaxTokens: 5000}

func defaults() research.NewTask {
	return research.NewTask{
		Question: "Why?",
		Options: research.Options{
			MaxDepth: 3, MaxPages: 20, TimeBudget: 300 * time.Second, SearchEngine: research.DuckDuckGo, MaxResults: 10,
			SafeMode: true, AllowExternalLinks: true, AllowDomains: []string{}, DenyDomains: []string{}, Metadata: map[string]any{},
			Effort: research.Standard, Format: research.FormatAnswer,
		},
		Priority: research.Normal,
	}
}

func TestDecodeNewTaskAccepts(t *testing.T) {
	t.Parallel()
	parent := uuid.MustParse("01932d4e-7c1a-7b3e-9d51-2f0c5a8e6b74")
	all := research.NewTask{
		Question: "Why?",
		Options: research.Options{
			SeedURL: "https://example.com/a?b=c#d", MaxDepth: 5, MaxPages: 50, TimeBudget: 600 * time.Second, MaxTokens: 2000,
			SearchEngine: research.Library, MaxResults: 50, SafeMode: false, SameDomainOnly: true, AllowExternalLinks: false,
			AllowDomains: []string{"example.com", "*.example.org"}, DenyDomains: []string{"xn--bcher-kva.example"},
			Fresh: true, Metadata: map[string]any{"a": []any{json.Number("12345678901234567890"), nil, true}},
			Effort: research.Standard, Format: research.FormatReport, Length: 20_000, OutputSchema: []byte(`{"type":"object","properties":{"a":{}}}`),
		},
		Priority: research.High, ParentID: &parent,
	}
	with := func(change func(*research.NewTask)) research.NewTask {
		n := defaults()
		change(&n)
		return n
	}
	tests := map[string]struct {
		body string
		want research.NewTask
	}{
		"question alone": {`{"question":"Why?"}`, defaults()},
		"camelCase": {`{"question":"Why?","seedUrl":"https://example.com/a?b=c#d","maxDepth":5,"maxPages":50,"timeBudget":600,"maxTokens":2000,
			"searchEngine":"library","maxResults":50,"safeMode":false,"sameDomainOnly":true,"allowExternalLinks":false,
			"allowDomains":["Example.com.","*.example.ORG"],"denyDomains":["bücher.example"],
			"fresh":true,"metadata":{"a":[12345678901234567890,null,true]},"priority":"high","parentTaskId":"01932D4E-7C1A-7B3E-9D51-2F0C5A8E6B74",
			"effort":"standard","format":"report","length":20000,"outputSchema":{"type":"object","properties":{"a":{}}}}`, all},
		"snake_case": {`{"question":"Why?","seed_url":"https://example.com/a?b=c#d","max_depth":5,"max_pages":50,"time_budget":600,"max_tokens":2000,
			"search_engine":"library","max_results":50,"safe_mode":false,"same_domain_only":true,"allow_external_links":false,
			"allow_domains":["example.com","*.example.org"],"deny_domains":["bücher.example"],
			"fresh":true,"metadata":{"a":[12345678901234567890,null,true]},"priority":"high","parent_task_id":"01932d4e-7c1a-7b3e-9d51-2f0c5a8e6b74",
			"effort":"standard","format":"report","length":2e4,"output_schema":{"type":"object","properties":{"a":{}}}}`, all},
		"null for every optional": {`{"question":"Why?","seedUrl":null,"maxDepth":null,"maxPages":null,"timeBudget":null,"maxTokens":null,"searchEngine":null,
			"maxResults":null,"safeMode":null,"sameDomainOnly":null,"allowExternalLinks":null,"allowDomains":null,"denyDomains":null,
			"fresh":null,"metadata":null,"priority":null,"parentTaskId":null,"effort":null,"format":null,"length":null,"outputSchema":null}`, defaults()},
		"quick has other defaults": {`{"question":"Why?","effort":"quick"}`, with(func(n *research.NewTask) {
			n.Options.Effort, n.Options.MaxPages, n.Options.MaxDepth, n.Options.MaxResults, n.Options.TimeBudget = research.Quick, 4, 2, 5, 30*time.Second
		})},
		"quick with other values": {`{"question":"Why?","effort":"quick","maxPages":9,"maxDepth":3,"maxResults":8,"timeBudget":60,"length":100}`, with(func(n *research.NewTask) {
			n.Options.Effort, n.Options.MaxPages, n.Options.MaxResults, n.Options.TimeBudget, n.Options.Length = research.Quick, 9, 8, time.Minute, 100
		})},
		"camelCase wins, wrong snake_case unseen": {`{"question":"Why?","max_depth":"deep","maxDepth":2}`,
			with(func(n *research.NewTask) { n.Options.MaxDepth = 2 })},
		"camelCase null wins":           {`{"max_depth":2,"question":"Why?","maxDepth":null}`, defaults()},
		"unknown keys":                  {`{"question":"Why?","Question":7,"options":{"maxDepth":99},"x":null}`, defaults()},
		"whole numbers in other shapes": {`{"question":"Why?","maxDepth":3.0,"maxPages":2e1,"maxResults":1000E-2}`, defaults()},
		"question verbatim": {`{"question":"  \u00e9e\u0301 <b>&\ud83d\ude00\n "}`,
			with(func(n *research.NewTask) { n.Question = "  \u00e9e\u0301 <b>&😀\n " })},
		"question of 1000 code points": {`{"question":"` + strings.Repeat("😀", 1000) + `"}`,
			with(func(n *research.NewTask) { n.Question = strings.Repeat("😀", 1000) })},
		"seed of 2048 code points": {`{"question":"Why?","seedUrl":"http://a/` + strings.Repeat("é", 2039) + `"}`,
			with(func(n *research.NewTask) { n.Options.SeedURL = "http://a/" + strings.Repeat("é", 2039) })},
		"private seed": {`{"question":"Why?","seedUrl":"HTTP://127.0.0.1:8080"}`,
			with(func(n *research.NewTask) { n.Options.SeedURL = "HTTP://127.0.0.1:8080" })},
		"smallest values": {`{"question":"W","maxDepth":1,"maxPages":1,"timeBudget":30,"maxResults":1,"priority":"low"}`,
			with(func(n *research.NewTask) {
				n.Question, n.Priority = "W", research.Low
				n.Options.MaxDepth, n.Options.MaxPages, n.Options.MaxResults, n.Options.TimeBudget = 1, 1, 1, 30*time.Second
			})},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.DecodeNewTask([]byte(tt.body), limits)
			if err != nil {
				t.Fatal(err)
			}
			got.Request = nil // TestCanonicalRequest checks it
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
		})
	}
}

func TestDecodeNewTaskRefuses(t *testing.T) {
	t.Parallel()
	field := func(name, value string) string { return fmt.Sprintf(`{"question":"Why?",%q:%s}`, name, value) }
	deep := strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33)
	tests := []struct {
		name, body string
		fields     []string // the invalid fields, in the order of the contract
	}{
		{"empty", ``, []string{"body"}},
		{"blank", " \n", []string{"body"}},
		{"null", `null`, []string{"body"}},
		{"array", `[{"question":"Why?"}]`, []string{"body"}},
		{"string", `"Why?"`, []string{"body"}},
		{"cut", `{"question":"Why?"`, []string{"body"}},
		{"missing value", `{"question":}`, []string{"body"}},
		{"single quotes", `{'question':'Why?'}`, []string{"body"}},
		{"comment", `{"question":"Why?"/**/}`, []string{"body"}},
		{"trailing comma", `{"question":"Why?",}`, []string{"body"}},
		{"NaN", `{"question":"Why?","maxDepth":NaN}`, []string{"body"}},
		{"leading zero", `{"question":"Why?","maxDepth":03}`, []string{"body"}},
		{"deep unknown key", `{"question":"Why?","x":` + strings.Repeat("[", 64) + strings.Repeat("]", 64) + `}`, []string{"body"}},
		{"deep and broken", `{"question":"Why?","x":` + strings.Repeat(`{"a":[`, 20_000), []string{"body"}},
		{"two values", `{"question":"Why?"} {"question":"What?"}`, []string{"body"}},
		{"garbage after it", `{"question":"Why?"}x`, []string{"body"}},
		{"byte order mark", "\ufeff" + `{"question":"Why?"}`, []string{"body"}},
		{"UTF-16", "{\x00\"\x00q\x00", []string{"body"}},
		{"question twice", `{"question":"Why?","question":"What?"}`, []string{"question"}},
		{"snake_case twice", `{"question":"Why?","max_depth":1,"max_depth":2}`, []string{"maxDepth"}},
		{"unknown key twice", `{"question":"Why?","x":1,"x":2}`, []string{"body"}},
		{"key twice inside metadata", `{"question":"Why?","metadata":{"a":1,"a":2}}`, []string{"metadata"}},
		{"invalid UTF-8 in question", "{\"question\":\"Wh\xffy\"}", []string{"question"}},
		{"overlong UTF-8 in question", "{\"question\":\"Wh\xc0\x80y\"}", []string{"question"}},
		{"lone surrogate in question", `{"question":"Wh\ud800y"}`, []string{"question"}},
		{"invalid UTF-8 in unknown key", "{\"question\":\"Why?\",\"x\":\"\xff\"}", []string{"body"}},
		{"lone surrogate in metadata", `{"question":"Why?","metadata":{"a":"\udc00"}}`, []string{"metadata"}},
		{"NUL as a raw byte", "{\"question\":\"Wh\x00y\"}", []string{"body"}},

		{"unknown effort", field("effort", `"hasty"`), []string{"effort"}},
		{"a plan of a task that is not deep", field("confirmPlan", "true"), []string{"confirmPlan"}},
		{"pages for a deep task alone", field("maxPages", "51"), []string{"maxPages"}},
		{"too many pages for a deep task", `{"question":"Why?","effort":"deep","maxPages":301}`, []string{"maxPages"}},
		{"too much time for a deep task", `{"question":"Why?","effort":"deep","timeBudget":7201}`, []string{"timeBudget"}},
		{"unknown format", field("format", `"poem"`), []string{"format"}},
		{"quick report", `{"question":"Why?","effort":"quick","format":"report"}`, []string{"format"}},
		{"too short", field("length", `99`), []string{"length"}},
		{"too long", field("length", `20001`), []string{"length"}},
		{"length as text", field("length", `"100"`), []string{"length"}},
		{"schema as text", field("outputSchema", `"{}"`), []string{"outputSchema"}},
		{"schema of a list", field("outputSchema", `{"type":"array"}`), []string{"outputSchema"}},
		{"schema elsewhere", field("outputSchema", `{"type":"object","properties":{"a":{"$ref":"http://127.0.0.1/a"}}}`), []string{"outputSchema"}},
		{"deep schema", field("outputSchema", `{"type":"object","properties":`+strings.Repeat(`{"a":`, 12)+`{}`+strings.Repeat(`}`, 12)+`}`), []string{"outputSchema"}},

		{"no question", `{}`, []string{"question"}},
		{"null question", `{"question":null}`, []string{"question"}},
		{"number as question", `{"question":7}`, []string{"question"}},
		{"object as question", `{"question":{}}`, []string{"question"}},
		{"empty question", `{"question":""}`, []string{"question"}},
		{"blank question", `{"question":" \t\n\u00a0\u3000\u200b\u0001"}`, []string{"question"}},
		{"NUL in question", `{"question":"Wh\u0000y"}`, []string{"question"}},
		{"long question", `{"question":"` + strings.Repeat("é", 1001) + `"}`, []string{"question"}},

		{"seed number", field("seedUrl", `7`), []string{"seedUrl"}},
		{"empty seed", field("seedUrl", `""`), []string{"seedUrl"}},
		{"file seed", field("seedUrl", `"file:///etc/passwd"`), []string{"seedUrl"}},
		{"ftp seed", field("seedUrl", `"ftp://example.com/"`), []string{"seedUrl"}},
		{"javascript seed", field("seedUrl", `"javascript:alert(1)"`), []string{"seedUrl"}},
		{"relative seed", field("seedUrl", `"/docs"`), []string{"seedUrl"}},
		{"scheme-relative seed", field("seedUrl", `"//example.com/"`), []string{"seedUrl"}},
		{"bare host seed", field("seedUrl", `"example.com"`), []string{"seedUrl"}},
		{"seed without host", field("seedUrl", `"http://"`), []string{"seedUrl"}},
		{"seed with port alone", field("seedUrl", `"http://:80/"`), []string{"seedUrl"}},
		{"seed with an address that is none", field("seedUrl", `"http://256.256.256.256/"`), []string{"seedUrl"}},
		{"seed with a bad IPv6 address", field("seedUrl", `"http://[1::2::3]/"`), []string{"seedUrl"}},
		{"seed with a user and password", field("seedUrl", `"http://u:secret@a.example/"`), []string{"seedUrl"}},
		{"seed with a token as user", field("seedUrl", `"https://secret@a.example/"`), []string{"seedUrl"}},
		{"seed with a password that browsers find", field("seedUrl", `"ht\ntp:\\\\u:secret@a.example"`), []string{"seedUrl"}},
		{"seed with a password and no valid host", field("seedUrl", `"http://u:secret@256.1.1.1/"`), []string{"seedUrl"}},
		{"seed with port 65536", field("seedUrl", `"http://a:65536/"`), []string{"seedUrl"}},
		{"seed with space in host", field("seedUrl", `"http://a b/"`), []string{"seedUrl"}},
		{"seed with NUL", field("seedUrl", `"http://a/\u0000"`), []string{"seedUrl"}},
		{"long seed", field("seedUrl", `"http://a/`+strings.Repeat("b", 2040)+`"`), []string{"seedUrl"}},
		{"snake_case seed is blamed in camelCase", field("seed_url", `"file:///"`), []string{"seedUrl"}},

		{"maxDepth 0", field("maxDepth", `0`), []string{"maxDepth"}},
		{"maxDepth 6", field("maxDepth", `6`), []string{"maxDepth"}},
		{"maxDepth fraction", field("maxDepth", `2.5`), []string{"maxDepth"}},
		{"maxDepth string", field("maxDepth", `"3"`), []string{"maxDepth"}},
		{"maxDepth bool", field("maxDepth", `true`), []string{"maxDepth"}},
		{"maxDepth huge", field("maxDepth", `99999999999999999999`), []string{"maxDepth"}},
		{"maxDepth 1e400", field("maxDepth", `1e400`), []string{"maxDepth"}},
		{"maxDepth 2^64+3", field("maxDepth", `18446744073709551619`), []string{"maxDepth"}},
		{"maxPages 0", field("maxPages", `0`), []string{"maxPages"}},
		{"maxPages 51", field("maxPages", `51`), []string{"maxPages"}},
		{"maxPages list", field("maxPages", `[1]`), []string{"maxPages"}},
		{"timeBudget 29", field("timeBudget", `29`), []string{"timeBudget"}},
		{"timeBudget 601", field("timeBudget", `601`), []string{"timeBudget"}},
		{"timeBudget duration", field("timeBudget", `"60s"`), []string{"timeBudget"}},
		{"maxResults 0", field("maxResults", `0`), []string{"maxResults"}},
		{"maxResults 51", field("maxResults", `51`), []string{"maxResults"}},
		{"maxResults negative", field("maxResults", `-1`), []string{"maxResults"}},
		{"unknown engine", field("searchEngine", `"altavista"`), []string{"searchEngine"}},
		{"engine in capitals", field("searchEngine", `"Bing"`), []string{"searchEngine"}},
		{"engine number", field("searchEngine", `1`), []string{"searchEngine"}},
		{"priority", field("priority", `"urgent"`), []string{"priority"}},
		{"priority number", field("priority", `1`), []string{"priority"}},
		{"safeMode string", field("safeMode", `"true"`), []string{"safeMode"}},
		{"safeMode number", field("safeMode", `1`), []string{"safeMode"}},
		{"sameDomainOnly", field("sameDomainOnly", `0`), []string{"sameDomainOnly"}},
		{"allowExternalLinks", field("allowExternalLinks", `{}`), []string{"allowExternalLinks"}},
		{"few tokens", field("maxTokens", `999`), []string{"maxTokens"}},
		{"many tokens", field("maxTokens", `5001`), []string{"maxTokens"}},
		{"tokens string", field("maxTokens", `"2000"`), []string{"maxTokens"}},
		{"parent", field("parentTaskId", `"7"`), []string{"parentTaskId"}},
		{"parent in braces", field("parentTaskId", `"{01932d4e-7c1a-7b3e-9d51-2f0c5a8e6b74}"`), []string{"parentTaskId"}},
		{"parent of 36 characters", field("parentTaskId", `"01932d4e-7c1a-7b3e-9d51-2f0c5a8e6b7g"`), []string{"parentTaskId"}},
		{"parent number", field("parentTaskId", `7`), []string{"parentTaskId"}},

		{"allowDomains string", field("allowDomains", `"example.com"`), []string{"allowDomains"}},
		{"allowDomains number inside", field("allowDomains", `["a.example",7]`), []string{"allowDomains"}},
		{"allowDomains URL", field("allowDomains", `["https://example.com"]`), []string{"allowDomains"}},
		{"allowDomains port", field("allowDomains", `["example.com:80"]`), []string{"allowDomains"}},
		{"allowDomains empty entry", field("allowDomains", `[""]`), []string{"allowDomains"}},
		{"allowDomains star alone", field("allowDomains", `["*."]`), []string{"allowDomains"}},
		{"allowDomains star inside", field("allowDomains", `["a.*.com"]`), []string{"allowDomains"}},
		{"allowDomains empty label", field("allowDomains", `["a..com"]`), []string{"allowDomains"}},
		{"allowDomains long", field("allowDomains", `["`+strings.Repeat("a.", 127)+`com"]`), []string{"allowDomains"}},
		{"denyDomains 101", field("denyDomains", `["a"`+strings.Repeat(`,"a"`, 100)+`]`), []string{"denyDomains"}},
		{"denyDomains object", field("denyDomains", `{}`), []string{"denyDomains"}},
		{"metadata list", field("metadata", `[]`), []string{"metadata"}},
		{"metadata string", field("metadata", `"{}"`), []string{"metadata"}},
		{"metadata large", field("metadata", `{"a":"`+strings.Repeat("b", 16<<10)+`"}`), []string{"metadata"}},
		{"metadata deep", field("metadata", deep), []string{"metadata"}},
		{"metadata NUL", field("metadata", `{"a":["\u0000"]}`), []string{"metadata"}},
		{"metadata NUL in key", field("metadata", `{"a\u0000":1}`), []string{"metadata"}},
		{"metadata number", field("metadata", `{"a":1e999}`), []string{"metadata"}},

		{"all at once", `{"question":" ","seedUrl":"ftp://a","maxDepth":9,"safeMode":1,"metadata":7,"priority":7}`,
			[]string{"question", "seedUrl", "maxDepth", "safeMode", "metadata", "priority"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.DecodeNewTask([]byte(tt.body), limits)
			if !reflect.DeepEqual(got, research.NewTask{}) {
				t.Errorf("a refused body gave %+v", got)
			}
			if fields := invalid(t, err); !slices.Equal(fields, tt.fields) {
				t.Errorf("invalid fields %v (%v), want %v", fields, err, tt.fields)
			}
			if strings.Contains(fmt.Sprintf("%+v", err), "secret") {
				t.Errorf("the error repeats a password: %v", err)
			}
		})
	}
}

// TestSeedsAsBrowsersTakeThem checks that seed URLs that `new URL` accepts are accepted and stored as they were sent.
func TestSeedsAsBrowsersTakeThem(t *testing.T) {
	t.Parallel()
	for _, seed := range []string{"http://example.com/100%", " http://example.com/a b ", `http:\\example.com\x`, "http:example.com", "http://exa\nmple.com/", "http:///example.com",
		"http://2130706433/", "http://[::FFFF:1.2.3.4]:0/", "HTTPS://Bücher.example:/?ü#{x}", "http://@example.com", "http://example.com:65535?x"} {
		body, err := json.Marshal(map[string]string{"question": "Why?", "seedUrl": seed})
		if err != nil {
			t.Fatal(err)
		}
		got, err := wire.DecodeNewTask(body, limits)
		if err != nil || got.Options.SeedURL != seed {
			t.Errorf("%q: %q, %v", seed, got.Options.SeedURL, err)
		}
	}
}

// invalid returns the fields of a validation error. It fails the test when a field has no proper message.
func invalid(t *testing.T, err error) []string {
	t.Helper()
	var v *research.ValidationError
	if !errors.As(err, &v) {
		t.Fatalf("got error %v, want a *research.ValidationError", err)
	}
	var fields []string
	for _, f := range v.Fields {
		fields = append(fields, f.Field)
		if len(f.Message) < 8 || strings.Contains(f.Message, "%!") {
			t.Errorf("%s: message %q", f.Field, f.Message)
		}
	}
	return fields
}

func TestDecodeReason(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, body, want, field string }{
		{"no body", "", "", ""},
		{"white space", " \r\n", "", ""},
		{"null", " null ", "", ""},
		{"empty object", `{}`, "", ""},
		{"null reason", `{"reason":null}`, "", ""},
		{"blank reason", `{"reason":"  "}`, "", ""},
		{"reason", `{"reason":" not needed ","other":1}`, " not needed ", ""},
		{"200 code points", `{"reason":"` + strings.Repeat("é", 200) + `"}`, strings.Repeat("é", 200), ""},
		{"201 code points", `{"reason":"` + strings.Repeat("é", 201) + `"}`, "", "reason"},
		{"NUL", `{"reason":"a\u0000"}`, "", "reason"},
		{"number", `{"reason":1}`, "", "reason"},
		{"list", `[]`, "", "body"},
		{"not JSON", `reason=x`, "", "body"},
		{"invalid UTF-8", "{\"reason\":\"\xff\"}", "", "reason"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := wire.DecodeReason([]byte(tt.body))
			if tt.field != "" {
				if fields := invalid(t, err); !slices.Equal(fields, []string{tt.field}) {
					t.Errorf("invalid fields %v, want %s", fields, tt.field)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func FuzzDecodeNewTask(f *testing.F) {
	f.Add([]byte(`{"question":"Why?"}`))
	f.Add([]byte(`{"question":"Wh\ud800y","maxDepth":3.0,"timeBudget":1e2}`))
	f.Add([]byte(`{"question":"Why?","seed_url":"http://[::1]:80/","allowDomains":["*.bücher.example"],"metadata":{"a":[1e308]}}`))
	f.Add([]byte("{\"question\":\"\xff\"}"))
	f.Add([]byte(`{"question":"Why?","question":""}{`))
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := wire.DecodeNewTask(body, limits)
		if err != nil {
			invalid(t, err)
			return
		}
		o := in.Options
		length := utf8.RuneCountInString(in.Question)
		switch {
		case length < 1 || length > 1000 || strings.TrimSpace(in.Question) == "" || strings.ContainsRune(in.Question, 0) || !utf8.ValidString(in.Question):
			t.Errorf("question %q", in.Question)
		case utf8.RuneCountInString(o.SeedURL) > 2048 || strings.ContainsRune(o.SeedURL, 0):
			t.Errorf("seed %q", o.SeedURL)
		case o.MaxDepth < 1 || o.MaxDepth > 5 || o.MaxPages < 1 || o.MaxPages > 50 || o.MaxResults < 1 || o.MaxResults > 50:
			t.Errorf("bounds %+v", o)
		case o.TimeBudget < limits.MinBudget || o.TimeBudget > limits.MaxBudget:
			t.Errorf("time budget %v", o.TimeBudget)
		case !slices.Contains(research.Engines, o.SearchEngine) || !slices.Contains(research.Priorities, in.Priority):
			t.Errorf("engine %q, priority %q", o.SearchEngine, in.Priority)
		case len(o.AllowDomains) > 100 || len(o.DenyDomains) > 100 || o.Metadata == nil:
			t.Errorf("lists %+v", o)
		}
		if b, err := json.Marshal(o.Metadata); err != nil || json.Unmarshal(b, &map[string]any{}) != nil {
			t.Errorf("metadata %v cannot be stored and read: %v", o.Metadata, err)
		}
	})
}
