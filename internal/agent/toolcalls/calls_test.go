package toolcalls

import (
	"testing"

	"legwork/internal/llm"
)

func FuzzWishes(f *testing.F) {
	f.Add(`<tool_call>{"name":"cite","arguments":{"url":"u"}}`)
	f.Add("```json\n[{\"tool\":\"find\",}]```<think>")
	f.Add(`<function=cite><parameter=url>x`)
	f.Add(`navigate_to("a", 'b')`)
	f.Fuzz(func(t *testing.T, s string) {
		_, calls, _ := Read(llm.Reply{Text: s})
		for _, c := range calls {
			if spec := Named(c.Name); spec != nil {
				_, _ = spec.Arguments(c.Arguments)
			}
		}
	})
}
