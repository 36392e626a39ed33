package outputschema

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	with := func(properties string) string { return `{"type":"object","properties":` + properties + `}` }
	doubling := `"d0":{"type":"string"}`
	for i := range 30 {
		doubling += fmt.Sprintf(`,"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]}`, i+1, i, i)
	}
	for name, tt := range map[string]struct{ schema, says string }{
		"not JSON":            {`{`, "valid JSON"},
		"two values":          {`{} {}`, "one JSON value"},
		"a list":              {`[]`, "must be a JSON object"},
		"a truth value":       {`true`, "must be a JSON object"},
		"no type":             {`{"properties":{"a":{}}}`, `"type": "object"`},
		"a list's schema":     {`{"type":"array","items":{}}`, `"type": "object"`},
		"no properties":       {`{"type":"object"}`, `"properties"`},
		"wrong keyword value": {with(`{"a":{"type":"strnig"}}`), "not a valid JSON Schema"},
		"a broken pattern":    {with(`{"a":{"pattern":"("}}`), "not a valid JSON Schema"},
		"another document":    {with(`{"a":{"$ref":"http://127.0.0.1/x"}}`), "a part of it"},
		"a file":              {with(`{"a":{"$ref":"file:///etc/passwd"}}`), "a part of it"},
		"an unknown dialect":  {`{"$schema":"http://example.org/s","type":"object","properties":{"a":{}}}`, "not a valid JSON Schema"},
		"no target":           {with(`{"a":{"$ref":"#/$defs/a"}}`), "JSON Schema"},
		"itself":              {`{"type":"object","properties":{"a":{"$ref":"#"}}}`, "must not refer to itself"},
		"in a circle":         {`{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"items":{"$ref":"#/$defs/a"}}}}`, "must not refer to itself"},
		"doubling":            {`{"type":"object","properties":{"a":{"$ref":"#/$defs/d30"}},"$defs":{` + doubling + `}}`, "after its references are replaced"},
		"an anchor":           {with(`{"a":{"$anchor":"x"}}`), "$anchor"},
		"too deep":            {with(strings.Repeat(`{"a":{"properties":`, 8) + `{}` + strings.Repeat(`}}`, 8)), "12 levels"},
		"too long":            {with(`{"a":{"description":"` + strings.Repeat("x", MaxBytes) + `"}}`), "bytes"},
		"NUL":                 {with(`{"a\u0000":{}}`), "NUL"},
		"a huge number":       {with(`{"a":{"multipleOf":1e999999}}`), "number"},
		"a tiny number":       {with(`{"a":{"multipleOf":1e-999999}}`), "number"},
	} {
		began := time.Now()
		_, err := Parse([]byte(tt.schema))
		require.ErrorContains(t, err, tt.says, name)
		require.NotContains(t, err.Error(), "\n", name)
		require.Less(t, time.Since(began), 5*time.Second, name)
	}
}

const kettle = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["litres","parts"],"additionalProperties":false,
	"properties":{"litres":{"type":"number","minimum":1},"colour":{"enum":["red","blue"]},"id":{"type":"string"},"definitions":{"type":"string"},
		"parts":{"type":"array","minItems":2,"items":{"$ref":"#/$defs/part"}},
		"maker":{"oneOf":[{"type":"string"},{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}]}},
	"$defs":{"part":{"type":"object","required":["name"],"properties":{"name":{"type":"string"},"grams":{"$ref":"#/$defs/grams"}}},"grams":{"type":"integer"}}}`

func decoded(t *testing.T, raw string) map[string]any {
	t.Helper()
	v, err := Decode([]byte(raw), 1000, 10)
	require.NoError(t, err)
	m, ok := v.(map[string]any)
	require.True(t, ok)
	return m
}

// TestProblems: null is allowed for each field and element, and fields and elements may be missing. Everything else must
// fit the schema.
func TestProblems(t *testing.T) {
	t.Parallel()
	s, err := Parse([]byte(kettle))
	require.NoError(t, err)
	for data, paths := range map[string][]string{
		`{}`: nil,
		`{"litres":1.5,"colour":"red","parts":[{"name":"lid","grams":40}],"maker":{"name":"A"}}`: nil,
		`{"litres":null,"colour":null,"parts":[null,{"name":null,"grams":null}],"maker":{}}`:     nil,
		`{"parts":null,"maker":null,"id":null}`:                                                  nil,
		`{"litres":"much"}`:                                                                      {"/litres"},
		`{"litres":0.5}`:                                                                         {"/litres"},
		`{"colour":"green"}`:                                                                     {"/colour"},
		`{"parts":[{"grams":1.5}, {"name":3}]}`:                                                  {"/parts/0/grams", "/parts/1/name"},
		`{"weight":1}`:                                                                           {""},
		`{"maker":7}`:                                                                            {"/maker"},
		`{"id":1, "definitions":["x"]}`:                                                          {"/definitions", "/id"},
		`{"litres":100000000000000000000000000}`:                                                 nil,
		`{"parts":[{"grams":12345678901234567}]}`:                                                nil,
	} {
		found := map[string]bool{}
		for _, p := range s.Problems(decoded(t, data)) {
			require.NotEmpty(t, p.Message)
			found[Pointer(p.Path)] = true
		}
		want := map[string]bool{}
		for _, p := range paths {
			want[p] = true
		}
		for p := range want {
			require.Contains(t, found, p, data)
		}
		require.Equal(t, len(want) > 0, len(found) > 0, "%s: %v", data, found)
	}
}

func TestFill(t *testing.T) {
	t.Parallel()
	s, err := Parse([]byte(kettle))
	require.NoError(t, err)
	data := decoded(t, `{"litres":1,"parts":[{"name":"lid"},null]}`)
	s.Fill(data)
	raw, err := json.Marshal(data)
	require.NoError(t, err)
	require.JSONEq(t, `{"litres":1,"colour":null,"id":null,"definitions":null,"maker":null,"parts":[{"name":"lid","grams":null},null]}`, string(raw))
	require.Empty(t, s.Problems(data))
}

func TestPointer(t *testing.T) {
	t.Parallel()
	for pointer, path := range map[string][]string{"": nil, "/a~1b/0": {"a/b", "0"}, "/~01": {"~1"}, "/": {""}} {
		require.Equal(t, path, Path(pointer))
		require.Equal(t, pointer, Pointer(path))
	}
	require.Equal(t, []string{"a", "b"}, Path("a/b"), "models leave out the slash")
}

// FuzzParse: no schema and no data make the package fail, or work for long.
func FuzzParse(f *testing.F) {
	f.Add(kettle, `{"litres":1}`)
	f.Add(`{"type":"object","properties":{"a":{"$ref":"#/properties/b"},"b":{"allOf":[true,false]}}}`, `{"a":[{}],"b":1e5}`)
	f.Add(`{"type":"object","properties":{"a":{"pattern":"(a*)*b","contains":{},"unevaluatedItems":false}}}`, `{"a":"aaaaaaaa"}`)
	f.Fuzz(func(t *testing.T, schema, data string) {
		s, err := Parse([]byte(schema))
		if err != nil {
			return
		}
		v, err := Decode([]byte(data), 64<<10, 16)
		if err != nil {
			return
		}
		began := time.Now()
		s.Problems(v)
		if m, ok := v.(map[string]any); ok {
			s.Fill(m)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("the check took %v", took)
		}
	})
}
