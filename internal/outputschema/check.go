package outputschema

import (
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// counts are the keywords that demand a number of fields or elements. Data may have fewer, because fields without
// evidence are null and such elements are left out.
var counts = []string{"required", "minItems", "minProperties", "minContains", "contains", "dependentRequired"}

// relaxed returns a copy of a schema without references that accepts null for each field and element, and fewer fields and
// elements than the schema demands.
func relaxed(schema map[string]any) map[string]any {
	out := maps.Clone(schema)
	for _, k := range counts {
		delete(out, k)
	}
	if one, ok := out["oneOf"].([]any); ok { // several relaxed schemas may fit
		anyOf, _ := out["anyOf"].([]any)
		delete(out, "oneOf")
		if anyOf == nil {
			out["anyOf"] = one
		} else {
			all, _ := out["allOf"].([]any)
			out["allOf"] = append(slices.Clone(all), map[string]any{"anyOf": one})
		}
	}
	inside := []string{"properties", "patternProperties", "additionalProperties", "items", "prefixItems", "unevaluatedProperties", "unevaluatedItems", "additionalItems"}
	relax := func(nullable bool) func(any) (any, error) {
		return func(v any) (any, error) {
			x, ok := v.(map[string]any)
			if !ok {
				return v, nil
			}
			if nullable {
				return map[string]any{"anyOf": []any{map[string]any{"type": "null"}, relaxed(x)}}, nil
			}
			return relaxed(x), nil
		}
	}
	for k, v := range out {
		one := map[string]any{k: v}
		if k != "not" && k != "if" && k != "propertyNames" {
			_ = eachSchema(one, relax(slices.Contains(inside, k))) // relax returns no errors
		}
		out[k] = one[k]
	}
	return out
}

// Problem is a place where data does not fit a schema.
type Problem struct {
	Path    []string // names and indexes from the root
	Message string   // what is wrong
}

// Problems returns where data does not fit the schema. Null is allowed for each field, and fields may be missing. Numbers
// must be json.Number, as Decode returns them.
func (s *Schema) Problems(data any) []Problem {
	err := s.relaxed.Validate(data)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return nil
	}
	var out []Problem
	english := message.NewPrinter(language.English)
	var collect func(e *jsonschema.ValidationError)
	collect = func(e *jsonschema.ValidationError) {
		for _, c := range e.Causes {
			collect(c)
		}
		if len(e.Causes) == 0 {
			out = append(out, Problem{Path: slices.Clone(e.InstanceLocation), Message: e.ErrorKind.LocalizedString(english)})
		}
	}
	collect(invalid)
	return out
}

// Decode reads data as a model wrote it. Numbers become json.Number. It refuses data that Problems or the database could
// not process.
func Decode(raw []byte, maxBytes, maxLevels int) (any, error) {
	if len(raw) > maxBytes || levels(raw) > maxLevels {
		return nil, errors.New("is too large")
	}
	return decode(raw)
}

// properties returns the schemas of the fields of an object, also those in allOf.
func properties(schema map[string]any) map[string]any {
	out := map[string]any{}
	if all, ok := schema["allOf"].([]any); ok {
		for _, part := range all {
			if x, ok := part.(map[string]any); ok {
				maps.Copy(out, properties(x))
			}
		}
	}
	if own, ok := schema["properties"].(map[string]any); ok {
		maps.Copy(out, own)
	}
	return out
}

// Fill adds the fields that the schema names and the object does not have, with the value null, at each level.
func (s *Schema) Fill(data map[string]any) { fill(s.doc, data) }

func fill(schema any, data any) {
	x, ok := schema.(map[string]any)
	if !ok {
		return
	}
	switch d := data.(type) {
	case map[string]any:
		for name, field := range properties(x) {
			if _, ok := d[name]; !ok {
				d[name] = nil
			}
			fill(field, d[name])
		}
	case []any:
		for _, e := range d {
			fill(x["items"], e)
		}
	}
}

// Pointer writes names and indexes as a JSON Pointer (RFC 6901).
func Pointer(path []string) string {
	var b strings.Builder
	for _, t := range path {
		b.WriteString("/" + strings.ReplaceAll(strings.ReplaceAll(t, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// Path splits a JSON Pointer into names and indexes.
func Path(pointer string) []string {
	if pointer != "" && pointer[0] != '/' { // models leave out the slash
		pointer = "/" + pointer
	}
	return tokens(pointer)
}
