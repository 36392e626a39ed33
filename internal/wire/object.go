package wire

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"legwork/internal/research"
)

// bodyField is the name of the field in an error about the whole body.
const bodyField = "body"

// object is a JSON object whose fields are read one by one. A method that reads a field adds the field's errors to bad.
type object struct {
	fields map[string]jsontext.Value
	bad    research.ValidationError
}

// maxDepth bounds the levels of nested objects and arrays in a body. Metadata has a lower bound.
const maxDepth = 2 * maxMetaLevels

// parse reads a body that must be one JSON object (RFC 8259). The body must be valid UTF-8 without lone surrogates, must
// not give a name twice, and may have at most maxDepth levels. known are the names, in camelCase, that an error may
// report as its field.
func parse(body []byte, known []string) (*object, error) {
	o := &object{}
	if depth(body) > maxDepth {
		o.bad.Add(bodyField, "must not nest objects and arrays deeper than %d levels", maxDepth)
		return nil, o.bad.Err()
	}
	err := json.Unmarshal(body, &o.fields)
	if err == nil && o.fields != nil {
		return o, nil
	}
	field, message := bodyField, "must be a JSON object"
	var syntax *jsontext.SyntacticError
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		message = "is missing; send a JSON object"
	case errors.Is(err, jsontext.ErrDuplicateName):
		field, message = fieldOf(err, known), "must not name a key twice"
	case errors.As(err, &syntax) && onlyBadText(body):
		field, message = fieldOf(err, known), "must be valid Unicode text"
	case errors.As(err, &syntax):
		message = "is not valid JSON (near byte " + strconv.FormatInt(syntax.ByteOffset, 10) + ")"
	}
	o.bad.Add(field, "%s", message)
	return nil, o.bad.Err()
}

// depth returns the greatest number of levels of nested objects and arrays in a JSON text. For other texts the result has no
// meaning.
func depth(body []byte) (deepest int) {
	level, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// onlyBadText reports whether body would be JSON if broken UTF-8 and lone surrogates were allowed.
func onlyBadText(body []byte) bool {
	var v jsontext.Value
	return json.Unmarshal(body, &v, jsontext.AllowInvalidUTF8(true)) == nil
}

// fieldOf returns the known top-level field that contains a syntax error. When there is none, it returns bodyField.
func fieldOf(err error, known []string) string {
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) {
		for token := range syntax.JSONPointer.Tokens() {
			for _, k := range known {
				if token == k || token == snake(k) {
					return k
				}
			}
			break
		}
	}
	return bodyField
}

// snake converts a camelCase name to snake_case.
func snake(name string) string {
	var b strings.Builder
	for _, r := range name {
		if unicode.IsUpper(r) {
			b.WriteByte('_')
			r = unicode.ToLower(r)
		}
		b.WriteRune(r)
	}
	return b.String()
}

// canonical returns the object in a canonical form (RFC 8785, but whole numbers keep all their digits). So two spellings
// of one request give the same bytes. The form has only the known fields, with their names in camelCase. Fields that are
// null or an empty list or object are left out, because they mean the same as absent ones. Defaults are not filled in,
// so the form of a request stays the same when a later version adds a field or changes a default.
func (o *object) canonical(known []string) ([]byte, error) {
	sent := map[string]jsontext.Value{}
	for _, name := range known {
		v := o.get(name).Clone()
		if len(v) == 0 {
			continue
		}
		if err := v.Canonicalize(jsontext.CanonicalizeRawInts(false)); err != nil {
			return nil, fmt.Errorf("canonical form of %s: %w", name, err)
		}
		if string(v) != "[]" && string(v) != "{}" {
			sent[name] = v
		}
	}
	return json.Marshal(sent, json.Deterministic(true))
}

// get returns a field's value. It returns nil when the field is absent or null. When both spellings are given, it uses
// the camelCase key, even if its value is null.
func (o *object) get(name string) jsontext.Value {
	v, ok := o.fields[name]
	if !ok {
		v = o.fields[snake(name)]
	}
	if v.Kind() == 'n' {
		return nil
	}
	return v
}

// text reads a string field. It returns false when the field is absent or not a string.
func (o *object) text(name string) (string, bool) {
	v := o.get(name)
	if v == nil {
		return "", false
	}
	s, ok := asString(v)
	if !ok {
		o.bad.Add(name, "must be a string")
	}
	return s, ok
}

func asString(v jsontext.Value) (string, bool) {
	if v.Kind() != '"' {
		return "", false
	}
	s, err := jsontext.AppendUnquote(nil, v)
	return string(s), err == nil
}

// integer reads a whole number between low and high. It returns fallback when the field is absent or invalid.
func (o *object) integer(name string, low, high, fallback int) int {
	v := o.get(name)
	if v == nil {
		return fallback
	}
	n, ok := asInteger(v)
	if !ok || n < int64(low) || n > int64(high) {
		o.bad.Add(name, "must be an integer from %d to %d", low, high)
		return fallback
	}
	return int(n)
}

// asInteger accepts every JSON spelling of a whole number up to 2⁵³, such as 3, 3.0 and 3e0, because some languages
// write whole numbers in these ways.
func asInteger(v jsontext.Value) (int64, bool) {
	if v.Kind() != '0' {
		return 0, false
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || f != float64(int64(f)) || f < -1<<53 || f > 1<<53 {
		return 0, false
	}
	return int64(f), true
}

// boolean reads true or false. It returns fallback when the field is absent or invalid.
func (o *object) boolean(name string, fallback bool) bool {
	switch v := o.get(name); v.Kind() {
	case 't':
		return true
	case 'f':
		return false
	default:
		if v != nil {
			o.bad.Add(name, "must be true or false")
		}
		return fallback
	}
}

// choice reads one of the allowed strings. It returns fallback when the field is absent or invalid.
func choice[T ~string](o *object, name string, allowed []T, fallback T) T {
	v := o.get(name)
	if v == nil {
		return fallback
	}
	if s, ok := asString(v); ok {
		for _, a := range allowed {
			if s == string(a) {
				return a
			}
		}
	}
	o.bad.Add(name, "must be one of %s", join(allowed))
	return fallback
}

func join[T ~string](values []T) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}
