package toolcalls

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"legwork/internal/agent/answertext"
	"legwork/internal/llm"
	"legwork/internal/research"
)

// maxWritten is the greatest number of calls that are read from the text of one reply.
const maxWritten = 32

// Call is a tool call as the model wrote it, before it is checked.
type Call struct {
	Name      string
	Arguments string
}

// Read returns the text of a reply and its tool calls. If the reply has no proper tool calls, Read looks for calls that
// the model wrote into the text. written reports whether it found some there.
func Read(r llm.Reply) (text string, calls []Call, written bool) {
	text = answertext.WithoutThinking(r.Text)
	for _, c := range r.Calls {
		calls = append(calls, Call{Name: c.Name, Arguments: c.Arguments})
	}
	if len(calls) > 0 || len(text) > maxText {
		return text, calls, false
	}
	calls = writtenCalls(text)
	calls = calls[:min(len(calls), maxWritten)]
	return text, calls, len(calls) > 0
}

// Forms in which models write calls into their text.
var (
	taggedCall   = regexp.MustCompile(`(?is)<(?:tool_calls?|function_calls?|tool_use|tools?)>\s*(.*?)\s*(?:</(?:tool_calls?|function_calls?|tool_use|tools?)>|$)`)
	functionTag  = regexp.MustCompile(`(?is)<function=["']?([\w.-]+)["']?>\s*(.*?)\s*(?:</function>|$)`)
	parameterTag = regexp.MustCompile(`(?is)<parameter=["']?([\w-]+)["']?>\s*(.*?)\s*(?:</parameter>|$)`)
	fenced       = regexp.MustCompile("(?s)```[\\w+-]*[ \\t]*\\n?(.*?)(?:```|$)")
	pythonic     = regexp.MustCompile(`(?m)^\W*(?:functions\.|default_api\.)?([a-z_]+)(?:\.call)?\(([^\n]*)\)\W*$`)
	keyword      = regexp.MustCompile(`(\w+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[\w.]+)`)
)

func writtenCalls(text string) []Call {
	if out := nativeCalls(text); len(out) > 0 {
		return out
	}
	text = specialTokens.Replace(text)
	var out []Call
	for _, m := range functionTag.FindAllStringSubmatch(text, maxWritten) {
		args := map[string]any{}
		for _, p := range parameterTag.FindAllStringSubmatch(m[2], maxWritten) {
			args[p[1]] = p[2]
		}
		raw := m[2]
		if len(args) > 0 {
			b, _ := research.EncodeJSON(args)
			raw = string(b)
		}
		out = append(out, Call{Name: m[1], Arguments: raw})
	}
	if len(out) > 0 {
		return out
	}
	for _, form := range []*regexp.Regexp{taggedCall, fenced} {
		for _, m := range form.FindAllStringSubmatch(text, maxWritten) {
			if v, ok := DecodeJSON(m[1]); ok {
				out = append(out, shapedCalls(v, form == taggedCall)...)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	if i := strings.IndexAny(text, "{["); i >= 0 {
		if v, ok := DecodeJSON(text[i:]); ok {
			out = shapedCalls(v, false)
		}
	}
	if len(out) == 0 {
		out = pythonCalls(text)
	}
	return out
}

// pythonCalls reads calls in lines like navigate_to(url="…") and navigate_to("…").
func pythonCalls(text string) []Call {
	var out []Call
	for _, m := range pythonic.FindAllStringSubmatch(text, maxWritten) {
		spec := Named(m[1])
		if spec == nil {
			continue
		}
		args := map[string]any{}
		for _, kv := range keyword.FindAllStringSubmatch(m[2], maxWritten) {
			args[kv[1]] = strings.Trim(kv[2], `"'`)
		}
		if v, ok := DecodeJSON("[" + m[2] + "]"); ok && len(args) == 0 {
			if list, ok := v.([]any); ok && len(list) > 0 {
				for i, p := range spec.params {
					if i < len(list) {
						args[p.name] = list[i]
					}
				}
			}
		}
		raw, _ := research.EncodeJSON(args)
		out = append(out, Call{Name: m[1], Arguments: string(raw)})
	}
	return out
}

// Keys that models use for the name and the arguments of a call.
var (
	nameKeys = []string{"name", "tool", "tool_name", "function", "function_name", "action"}
	argsKeys = []string{"arguments", "args", "parameters", "params", "input", "tool_input", "action_input"}
)

// shapedCalls finds the calls in a decoded JSON value. tagged says that the value was inside a tag for tool calls. Then
// calls of unknown tools are returned as well.
func shapedCalls(v any, tagged bool) []Call {
	switch x := v.(type) {
	case []any:
		var out []Call
		for _, e := range x {
			out = append(out, shapedCalls(e, tagged)...)
		}
		return out
	case map[string]any:
		for _, key := range []string{"tool_calls", "calls", "function", "tool_call", "function_call"} {
			switch x[key].(type) {
			case map[string]any, []any:
				return shapedCalls(x[key], tagged)
			}
		}
		return objectCall(x, tagged)
	}
	return nil
}

func objectCall(x map[string]any, tagged bool) []Call {
	name := ""
	for _, k := range nameKeys {
		if s, ok := x[k].(string); ok && (tagged || Named(s) != nil) {
			name = s
			delete(x, k)
			break
		}
	}
	if name == "" { // {"navigate_to": {"url": …}}
		if len(x) == 1 {
			for k, v := range x {
				if Named(k) != nil {
					raw, _ := research.EncodeJSON(v)
					return []Call{{Name: k, Arguments: string(raw)}}
				}
			}
		}
		return nil
	}
	var args any = x // the arguments may be in the same object as the name
	for _, k := range argsKeys {
		if v, ok := x[k]; ok {
			args = v
			break
		}
	}
	if s, ok := args.(string); ok {
		return []Call{{Name: name, Arguments: s}}
	}
	raw, _ := research.EncodeJSON(args)
	return []Call{{Name: name, Arguments: string(raw)}}
}

// Named finds a tool by its name, or by a similar name that models use. It returns nil if there is none.
func Named(name string) *Spec {
	name = strings.ToLower(strings.TrimSpace(name))
	if i := strings.LastIndexAny(name, ".:/"); i >= 0 {
		name = name[i+1:]
	}
	name = strings.NewReplacer("-", "_", " ", "_").Replace(name)
	for i := range specs {
		if s := &specs[i]; s.Name == name || slices.Contains(s.aliases, name) {
			return s
		}
	}
	return nil
}

// Arguments parses and checks the arguments of a call. It returns them under the tool's own parameter names. The text of
// the error is meant for the model.
func (s *Spec) Arguments(raw string) (map[string]any, error) {
	given := map[string]any{}
	if strings.TrimSpace(raw) != "" {
		v, ok := DecodeJSON(raw)
		for depth := 0; depth < 2; depth++ { // the object may be encoded as a JSON string, up to twice
			if str, isString := v.(string); isString && strings.HasPrefix(strings.TrimSpace(str), "{") {
				v, ok = DecodeJSON(str)
			}
		}
		switch x := v.(type) {
		case map[string]any:
			given = x
		case nil:
			if !ok {
				return nil, fmt.Errorf("the arguments are no JSON object. Call it like this: %s", s.example)
			}
		default: // a value that is not an object is the first argument
			if len(s.params) > 0 {
				given[s.params[0].name] = x
			}
		}
	}
	for _, k := range argsKeys { // the arguments may be wrapped in another object
		if inner, ok := given[k].(map[string]any); ok && len(given) == 1 {
			given = inner
		}
	}
	out := map[string]any{}
	for _, p := range s.params {
		for _, key := range append([]string{p.name}, p.aliases...) {
			if p.texts {
				if list := textsOf(given, key); len(list) > 0 {
					out[p.name] = list
					break
				}
				continue
			}
			if v, ok := valueOf(given, key, p.integer); ok {
				if p.boolean {
					v = truth(v)
				}
				out[p.name] = v
				break
			}
		}
		if _, ok := out[p.name]; !ok && p.required {
			return nil, fmt.Errorf("the argument %q is missing. Call it like this: %s", p.name, s.example)
		}
	}
	return out, nil
}

// truth reports whether a value is one of the words by which models mean true.
func truth(v any) bool {
	switch text, _ := v.(string); strings.ToLower(strings.Trim(text, `"'. `)) {
	case "true", "t", "1", "yes", "y", "on", "full", "fullpage", "full_page", "whole", "entire":
		return true
	}
	return false
}

// textsOf returns an argument as a list of strings. The argument may be a list, a single string, or a list of objects
// that have the string under "quote", "text" or "excerpt". The case of key is ignored.
func textsOf(given map[string]any, key string) []string {
	v := argument(given, key)
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []string
	for _, e := range list {
		if object, ok := e.(map[string]any); ok {
			for _, k := range []string{"quote", "text", "excerpt"} {
				if s, ok := object[k].(string); ok {
					e = s
					break
				}
			}
		}
		switch e.(type) {
		case string, float64, bool:
			if text := strings.TrimSpace(fmt.Sprint(e)); text != "" {
				out = append(out, text)
			}
		}
	}
	return out
}

// argument returns the value of an argument, whatever its JSON type, or nil if it is missing. The case of key is
// ignored.
func argument(given map[string]any, key string) any {
	if v, ok := given[key]; ok {
		return v
	}
	for _, k := range slices.Sorted(maps.Keys(given)) {
		if strings.EqualFold(k, key) {
			return given[k]
		}
	}
	return nil
}

// valueOf returns an argument as a string or as a whole number, whatever JSON type it has. The case of key is ignored.
func valueOf(given map[string]any, key string, integer bool) (any, bool) {
	v := argument(given, key)
	if list, isList := v.([]any); isList && len(list) > 0 {
		v = list[0]
	}
	if v == nil {
		return nil, false
	}
	text := strings.TrimSpace(fmt.Sprint(v))
	if _, isObject := v.(map[string]any); isObject || text == "" {
		return nil, false
	}
	if !integer {
		return text, true
	}
	var n float64
	if _, err := fmt.Sscan(text, &n); err != nil || n < 0 || n > 1e6 {
		return nil, false
	}
	return int(n), true
}
