package outputschema

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The keywords whose values have schemas: one schema, a list of schemas, or an object with a schema for each name.
var (
	oneSchema   = []string{"additionalProperties", "items", "contains", "propertyNames", "not", "if", "then", "else", "unevaluatedItems", "unevaluatedProperties", "additionalItems"}
	listSchemas = []string{"allOf", "anyOf", "oneOf", "prefixItems", "items"}
	mapSchemas  = []string{"properties", "patternProperties", "dependentSchemas", "dependencies"}
)

// refused are the keywords that this package does not follow.
var refused = []string{"$dynamicRef", "$dynamicAnchor", "$recursiveRef", "$recursiveAnchor", "$anchor", "$id"}

// expander replaces the references of a schema by their targets.
type expander struct {
	root  map[string]any
	parts int // subschemas so far
}

// expand returns a copy of a subschema without references. under are the references that are being replaced.
func (e *expander) expand(v any, level int, under []string) (any, error) {
	if e.parts++; e.parts > maxParts {
		return nil, fmt.Errorf("must have at most %d subschemas after its references are replaced by their targets", maxParts)
	}
	if level > maxExpanded {
		return nil, fmt.Errorf("must not nest deeper than %d levels after its references are replaced by their targets", maxExpanded)
	}
	x, ok := v.(map[string]any)
	if !ok {
		return v, nil
	}
	out := maps.Clone(x)
	for _, k := range refused {
		if _, ok := x[k]; ok {
			return nil, fmt.Errorf("must not use %s", k)
		}
	}
	for _, k := range []string{"$ref", "$defs", "definitions"} {
		delete(out, k)
	}
	next := func(v any) (any, error) { return e.expand(v, level+1, under) }
	if err := eachSchema(out, next); err != nil {
		return nil, err
	}
	ref, ok := x["$ref"].(string)
	if !ok {
		return out, nil
	}
	if slices.Contains(under, ref) {
		return nil, fmt.Errorf("must not refer to itself (%s)", ref)
	}
	target, err := e.target(ref)
	if err != nil {
		return nil, err
	}
	expanded, err := e.expand(target, level+1, append(slices.Clone(under), ref))
	if err != nil || len(out) == 0 {
		return expanded, err
	}
	all, _ := out["allOf"].([]any)
	out["allOf"] = append(slices.Clone(all), expanded)
	return out, nil
}

// eachSchema replaces each schema directly inside x by the result of f.
func eachSchema(x map[string]any, f func(any) (any, error)) (err error) {
	for _, k := range oneSchema {
		if _, ok := x[k].([]any); x[k] != nil && !ok {
			if x[k], err = f(x[k]); err != nil {
				return err
			}
		}
	}
	for _, k := range listSchemas {
		if list, ok := x[k].([]any); ok {
			out := make([]any, len(list))
			for i, part := range list {
				if out[i], err = f(part); err != nil {
					return err
				}
			}
			x[k] = out
		}
	}
	for _, k := range mapSchemas {
		if named, ok := x[k].(map[string]any); ok {
			out := map[string]any{}
			for _, name := range slices.Sorted(maps.Keys(named)) {
				if _, names := named[name].([]any); names { // dependencies may list the names of fields
					out[name] = named[name]
				} else if out[name], err = f(named[name]); err != nil {
					return err
				}
			}
			x[k] = out
		}
	}
	return nil
}

// target finds the part of the schema that a reference names.
func (e *expander) target(ref string) (any, error) {
	pointer, ok := strings.CutPrefix(ref, "#")
	if !ok {
		return nil, fmt.Errorf("must not refer to other documents (%s)", ref)
	}
	pointer, err := url.PathUnescape(pointer)
	if err != nil || pointer != "" && pointer[0] != '/' {
		return nil, fmt.Errorf("must name the targets of its references by JSON Pointers (%s)", ref)
	}
	var at any = e.root
	for _, token := range tokens(pointer) {
		switch x := at.(type) {
		case map[string]any:
			at, ok = x[token]
		case []any:
			i, err := strconv.Atoi(token)
			if ok = err == nil && i >= 0 && i < len(x); ok {
				at = x[i]
			}
		default:
			ok = false
		}
		if !ok {
			return nil, fmt.Errorf("has no target for the reference %s", ref)
		}
	}
	switch at.(type) {
	case map[string]any, bool:
		return at, nil
	}
	return nil, errors.New("has a reference to something that is not a schema")
}

// tokens splits a JSON Pointer.
func tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	out := strings.Split(pointer[1:], "/")
	for i, t := range out {
		out[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return out
}
