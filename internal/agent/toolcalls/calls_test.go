package toolcalls

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/llm"
	"legwork/internal/testcost"
)

// TestBounds: calls are read from a reply up to a length, a depth and a number of calls. Anything beyond these bounds is
// treated as text.
func TestBounds(t *testing.T) {
	t.Parallel()
	call := `{"name": "cite", "arguments": {"url": "u", "quote": "q"}}`
	nested := func(n int) string {
		return `{"name": "cite", "arguments": ` + strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n) + "}"
	}
	for name, tt := range map[string]struct {
		text  string
		calls int
	}{
		"one":                    {call, 1},
		"broken":                 {strings.TrimSuffix(call, "}}"), 1},
		"deep enough":            {nested(maxDepth - 1), 1},
		"too deep":               {nested(maxDepth), 0},
		"long and whole":         {strings.Replace(call, `"q"`, `"`+strings.Repeat("q", maxText/2)+`"`, 1), 1},
		"long and broken":        {strings.Replace(call, `"q"}}`, `"`+strings.Repeat("q", maxRepair)+`"`, 1), 0},
		"too long":               {strings.Replace(call, `"q"`, `"`+strings.Repeat("q", maxText)+`"`, 1), 0},
		"many":                   {"[" + strings.Repeat(call+",", 200) + call + "]", maxWritten},
		"many, in tags":          {strings.Repeat("<tool_call>"+call+"</tool_call>", 200), maxWritten},
		"many, as Python":        {strings.Repeat("cite(url=\"u\", quote=\"q\")\n", 200), maxWritten},
		"many, as function tags": {strings.Repeat("<function=cite>x</function>", 200), maxWritten},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, calls, _ := Read(llm.Reply{Text: tt.text})
			require.Len(t, calls, tt.calls)
		})
	}
}

// readWithin reads a reply and the arguments of its calls, and fails the test when that takes too much time or memory. The limits are
// generous, for a busy machine.
func readWithin(t *testing.T, r llm.Reply, size int) {
	t.Helper()
	testcost.Check(t, size, testcost.Limit{Time: 200 * time.Microsecond, StartTime: 5 * time.Second, Alloc: 8 << 10}, func() {
		_, calls, _ := Read(r)
		for _, c := range calls {
			if spec := Named(c.Name); spec != nil {
				_, _ = spec.Arguments(c.Arguments)
			}
		}
	})
}

// TestHostileReplies measures how replies that were made to use up time or memory are read. It does not run in parallel,
// so that other tests do not distort the measurement.
func TestHostileReplies(t *testing.T) {
	for name, unit := range map[string]string{"brackets": "[", "braces": `{"a":`, "quotes": `"a `, "keys": `{a:1},`, "backslashes": `"\`, "comments": "/* ",
		"sums": `"a" + `, "fences": "```json\n{\n", "ellipses": "[...", "escaped": `\"`, "lines": "a:\n", "tags": "<tool_call>{", "functions": "<function=cite><parameter=url>",
		"closed": "<tool_call>{a:</tool_call>", "thoughts": "<think>", "ends": "</think>", "python": "cite(a='\n", "not words": "--\n"} {
		t.Run(name, func(t *testing.T) {
			for _, size := range []int{maxRepair - 100, maxText - 100, 4 * maxText} {
				text := strings.Repeat(unit, size/len(unit))
				readWithin(t, llm.Reply{Text: text}, size)
				readWithin(t, llm.Reply{Calls: []llm.Call{{Name: "cite", Arguments: text}}}, size)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(`<tool_call>{"name":"cite","arguments":{"url":"u"}}`)
	f.Add("```json\n[{\"tool\":\"find\",}]```<think>")
	f.Add(`<function=cite><parameter=url>x`)
	f.Add(`navigate_to("a", 'b')`)
	f.Add(`{"name":"cite","arguments":"{\"url\":[[[["}`)
	f.Fuzz(func(t *testing.T, s string) {
		readWithin(t, llm.Reply{Text: s}, len(s))
		readWithin(t, llm.Reply{Calls: []llm.Call{{Name: "cite", Arguments: s}}}, len(s))
		_, calls, written := Read(llm.Reply{Text: s})
		require.LessOrEqual(t, len(calls), maxWritten)
		require.Equal(t, len(calls) > 0, written)
	})
}
