package toolcalls

import (
	"regexp"
	"strings"

	"legwork/internal/research"
)

// Forms in which models write calls with the special tokens that they were trained with. A server that knows the model
// converts them into proper calls. Other servers pass them on as text.
var (
	// invoke is Anthropic's form: <invoke name="cite"><parameter name="url">…</parameter></invoke>.
	invoke      = regexp.MustCompile(`(?is)<(?:\w+:)?invoke\s+name=["']?([\w.-]+)["']?\s*>(.*?)(?:</(?:\w+:)?invoke>|$)`)
	invokeParam = regexp.MustCompile(`(?is)<(?:\w+:)?parameter\s+name=["']?([\w-]+)["']?[^>]*>\s*(.*?)\s*(?:</(?:\w+:)?parameter>|$)`)
	// harmony is the form of gpt-oss: <|channel|>commentary to=functions.cite <|constrain|>json<|message|>{…}<|call|>.
	harmony = regexp.MustCompile(`(?s)to=(?:functions\.)?([\w.-]+)[^{]{0,80}?<\|message\|>\s*(\{.*?)\s*(?:<\|(?:call|end|return|start)\|>|$)`)
	// deepSeek is the form of DeepSeek: <｜tool▁call▁begin｜>function<｜tool▁sep｜>cite, then the arguments in a code fence.
	// Newer models write the name first and no fence.
	deepSeek = regexp.MustCompile("(?s)<｜tool▁call▁begin｜>\\s*(?:function\\s*<｜tool▁sep｜>)?\\s*([\\w.-]+)\\s*(?:<｜tool▁sep｜>)?\\s*(?:```(?:json)?)?\\s*(\\{.*?)\\s*(?:```\\s*)?(?:<｜tool▁call▁end｜>|<｜tool▁calls▁end｜>|$)")
	// mistralArgs is a form of Mistral: [TOOL_CALLS]cite[ARGS]{…}. Other Mistral models write [TOOL_CALLS] and then a
	// JSON list of calls.
	mistralArgs = regexp.MustCompile(`(?s)\[TOOL_CALLS\]\s*([\w.-]+)\s*(?:\[CALL_ID\][\w-]*)?\s*\[ARGS\]\s*(\{.*?)\s*(?:\[TOOL_CALLS\]|</s>|$)`)
	// specialTokens removes special tokens from a text before JSON with calls is looked for.
	specialTokens = strings.NewReplacer("[TOOL_CALLS]", "", "<|python_tag|>", "", "<|eom_id|>", "", "<|eot_id|>", "", "</s>", "")
)

// nativeCalls reads calls that are written with special tokens.
func nativeCalls(text string) []Call {
	var out []Call
	if strings.Contains(text, "invoke") {
		for _, m := range invoke.FindAllStringSubmatch(text, maxWritten) {
			args := map[string]any{}
			for _, p := range invokeParam.FindAllStringSubmatch(m[2], maxWritten) {
				args[p[1]] = p[2]
			}
			raw, _ := research.EncodeJSON(args)
			out = append(out, Call{Name: m[1], Arguments: string(raw)})
		}
	}
	if len(out) > 0 {
		return out
	}
	for _, form := range []struct {
		token string
		call  *regexp.Regexp
	}{{"<|message|>", harmony}, {"<｜tool▁call▁begin｜>", deepSeek}, {"[ARGS]", mistralArgs}} {
		if !strings.Contains(text, form.token) {
			continue
		}
		if form.call == mistralArgs { // the next [TOOL_CALLS] both ends a call and begins the following one, so it is doubled
			text = strings.ReplaceAll(text, "[TOOL_CALLS]", "[TOOL_CALLS][TOOL_CALLS]")
		}
		for _, m := range form.call.FindAllStringSubmatch(text, maxWritten) {
			out = append(out, Call{Name: m[1], Arguments: m[2]})
		}
	}
	return out
}
