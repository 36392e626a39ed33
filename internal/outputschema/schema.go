package outputschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Bounds of a schema.
const (
	MaxBytes     = 32 << 10 // of the JSON text
	MaxLevels    = 12       // of nested objects and lists
	maxParts     = 4000     // objects and lists, after references are replaced by their targets
	maxExpanded  = 3 * MaxLevels
	maxErrorText = 300 // bytes of the reason why a schema is not valid
)

// Schema is a JSON Schema for an object.
type Schema struct {
	doc     map[string]any     // the schema, without references
	relaxed *jsonschema.Schema // accepts null for each value inside the object, and objects with fields missing
}

// Parse reads a JSON Schema. Its root must have the type object and properties. The error is a sentence without subject
// that completes "outputSchema …".
func Parse(raw []byte) (*Schema, error) {
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("must have at most %d bytes", MaxBytes)
	}
	if levels(raw) > MaxLevels {
		return nil, fmt.Errorf("must not nest objects and arrays deeper than %d levels", MaxLevels)
	}
	v, err := decode(raw)
	if err != nil {
		return nil, err
	}
	root, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("must be a JSON object: a JSON Schema")
	}
	if root["type"] != "object" {
		return nil, errors.New(`must describe an object: give it "type": "object"`)
	}
	if _, err := compile(root); err != nil {
		return nil, fmt.Errorf("is not a valid JSON Schema: %w", err)
	}
	e := expander{root: root}
	doc, err := e.expand(root, 0, nil)
	if err != nil {
		return nil, err
	}
	s := &Schema{}
	if s.doc, ok = doc.(map[string]any); !ok || len(properties(s.doc)) == 0 {
		return nil, errors.New(`must have "properties" with at least one field`)
	}
	if s.relaxed, err = compile(relaxed(s.doc)); err != nil {
		return nil, fmt.Errorf("cannot be used: %w", err)
	}
	return s, nil
}

// levels returns the greatest number of levels of nested objects and arrays in a JSON text.
func levels(raw []byte) (deepest int) {
	level, inString := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
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

// decode reads one JSON value and keeps the digits of numbers.
func decode(raw []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("must be valid JSON")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("must be one JSON value")
	}
	return v, storable(v)
}

// storable returns an error if v has a NUL character, which the database cannot store, or a number beyond the range of a
// double.
func storable(v any) error {
	switch x := v.(type) {
	case string:
		if strings.ContainsRune(x, 0) {
			return errors.New("must not contain the NUL character")
		}
	case json.Number:
		if !plainNumber(x) {
			return errors.New("must not contain a number beyond the range of a double")
		}
	case []any:
		for _, e := range x {
			if err := storable(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for k, e := range x {
			if err := errors.Join(storable(k), storable(e)); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxDigits is the greatest length of a number in bytes.
const maxDigits = 64

// plainNumber reports whether a number is in the range of a double. A number that is so small that it becomes 0 is not:
// the library computes with exact numbers, whose size grows with the exponent.
func plainNumber(n json.Number) bool {
	f, err := n.Float64()
	mantissa, _, _ := strings.Cut(strings.ToLower(n.String()), "e")
	return err == nil && len(n) <= maxDigits && (f != 0 || strings.Trim(mantissa, "-0.") == "")
}

// noLoader refuses every schema that is not part of the document.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("%s is not a part of it, and no other documents are loaded", url)
}

// address is what the compiler calls the schema. Nothing is loaded from it.
const address = "schema:output"

// compile compiles a schema, of draft 2020-12 unless it names another one. The error has one line.
func compile(doc any) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	err := c.AddResource(address, doc)
	if err == nil {
		var s *jsonschema.Schema
		if s, err = c.Compile(address); err == nil {
			return s, nil
		}
	}
	text := strings.Join(strings.Fields(strings.ReplaceAll(err.Error(), address, "")), " ")
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return nil, errors.New(text)
}
