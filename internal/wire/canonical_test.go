package wire

import (
	"testing"
	"time"
)

// TestCanonicalRequest checks that two spellings of one request have the same canonical form, and that the form has only fields
// that were sent.
func TestCanonicalRequest(t *testing.T) {
	t.Parallel()
	limits := Limits{MinBudget: time.Second, DefaultBudget: time.Minute, MaxBudget: time.Hour}
	canonical := func(body string) string {
		t.Helper()
		in, err := DecodeNewTask([]byte(body), limits)
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		return string(in.Request)
	}
	for body, want := range map[string]string{
		`{"question":"q"}`: `{"question":"q"}`,
		` { "question" : "\u0071" , "maxPages" : 2e1, "max_depth": 3.0 } `:                         `{"maxDepth":3,"maxPages":20,"question":"q"}`,
		`{"question":"q","max_pages":20,"maxDepth":null,"unknown":[1],"allow_domains":[]}`:         `{"maxPages":20,"question":"q"}`,
		`{"question":"q","maxPages":20,"max_pages":30}`:                                            `{"maxPages":20,"question":"q"}`,
		`{"question":"q","metadata":{"b":[1, {"z":null,"a":9007199254740993}],"a_b":"\/"}}`:        `{"metadata":{"a_b":"/","b":[1,{"a":9007199254740993,"z":null}]},"question":"q"}`,
		`{"question":"q","metadata":{},"safeMode":true,"denyDomains":["b.example", "a.example"] }`: `{"denyDomains":["b.example","a.example"],"question":"q","safeMode":true}`,
	} {
		if got := canonical(body); got != want {
			t.Errorf("%s\n got %s\nwant %s", body, got, want)
		}
	}
	// The form must not change when a later version has a further option or another default, and the request does not
	// have that option.
	o, err := parse([]byte(`{"question":"q","maxPages":20}`), newTaskFields)
	if err != nil {
		t.Fatal(err)
	}
	later, err := o.canonical(append([]string{"aLaterOption"}, newTaskFields...))
	if err != nil || string(later) != canonical(`{"question":"q","maxPages":20}`) {
		t.Errorf("a later version: %s, %v", later, err)
	}
	limits.DefaultBudget = 2 * time.Minute
	if got := canonical(`{"question":"q"}`); got != `{"question":"q"}` {
		t.Errorf("another default: %s", got)
	}
}
