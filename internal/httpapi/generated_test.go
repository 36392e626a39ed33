package httpapi

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/httpapi/problem"
	"legwork/internal/research"
)

// TestGeneratedRequests sends requests that are generated from the contract, as an owner. It varies every parameter and
// every field of a body: values of wrong types, values at and beyond the bounds, missing, unknown, long and deeply
// nested values, and broken Unicode. No answer may be a 500, and every answer must be one that the contract describes
// (b.do checks that).
func TestGeneratedRequests(t *testing.T) {
	t.Parallel()
	l := setupLocked(t)
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	operations, requests, statuses := 0, 0, map[int]int{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			operations++
			email := fmt.Sprintf("person%d@example.org", operations) // each operation gets its own person, because it may end the session or change the password
			l.person(email, access.Owner)
			g := generator{op: op, method: method, path: path, id: l.task(research.DefaultAccount), login: l.logIn(email)}
			for _, req := range g.requests(append(slices.Clone(item.Parameters), op.Parameters...)) {
				requests++
				statuses[g.send(t, l.bundle, req)]++
			}
		}
	}
	if operations < 20 || requests < 20*operations || statuses[200] == 0 || statuses[422] == 0 || statuses[404] == 0 {
		t.Errorf("%d operations, %d requests, statuses %v: too few to mean something", operations, requests, statuses)
	}
	t.Logf("%d requests to %d operations: %v", requests, operations, statuses)
}

// generator makes the requests of one operation.
type generator struct {
	op               *openapi3.Operation
	method, path, id string
	login            []string // headers of an owner's browser
}

// generated is one request. what says which part of it is unusual.
type generated struct {
	what   string
	path   map[string]string
	query  url.Values
	header map[string]string
	body   string
}

// texts are values for parameters of any type.
var texts = []string{"", " ", "x", "-1", "0", "1.5", "1e9", "9223372036854775808", "null", "\x00", "a\x00b", "\xff\xfe", "\u202e\u200b\ufeff", "😀", "../../etc/passwd",
	"%2e%2e%2f", "' OR 1=1 --", "<script>", "[]", "{}", "a,b", "&=?#", "2026-13-45T99:00:00Z", "9999-12-31T23:59:59.999999999Z", "0000-00-00",
	strings.Repeat("x", 300), strings.Repeat("é", 1500)}

// values are JSON texts for fields of any type.
var values = []string{`null`, `true`, `0`, `-1`, `1.5`, `1e400`, `9223372036854775808`, `-0.0`, `""`, `" "`, `"x"`, `"\u0000"`, `"a\u0000b"`, `"\ud800"`, "\"\xff\"",
	`"\u202e\ufeff"`, `"😀"`, `"2026-13-45T99:00:00Z"`, `"0000-01-01T00:00:00Z"`, `"file:///etc/passwd"`, `"http://u:p@h/"`, `"::/0"`, `[]`, `[null]`, `[[]]`, `["x","x"]`, `["\u0000"]`, `[1e400]`,
	`{}`, `{"":""}`, `{"a\u0000":1}`, `{"x":{"x":{"x":{"x":{"x":{"x":{"x":{"x":1}}}}}}}}`, `{"x":"\u0000"}`,
	`"` + strings.Repeat("x", 10_000) + `"`, `[` + strings.Repeat(`"x",`, 2000) + `"x"]`, strings.Repeat(`[`, 500) + strings.Repeat(`]`, 500)}

// bodies are complete request bodies.
var bodies = []string{"", " ", "null", "true", "0", `"x"`, "[]", "{}", "{", "}", `{"a"`, "\x00", "\xff", "\ufeff{}", `{} {}`, `{"a":1,"a":2}`, `{"question":"x","question":"y"}`, `{'a':1}`,
	strings.Repeat(`{"a":`, 5000), `{"a":"` + strings.Repeat("x", problem.MaxBody) + `"}`}

// requests returns a usual request, and variants of it with one unusual part each.
func (g generator) requests(params openapi3.Parameters) []generated {
	usual := generated{what: "usual", path: map[string]string{}, query: url.Values{}, header: map[string]string{}}
	for _, p := range params {
		if p.Value.In == "path" {
			usual.path[p.Value.Name] = map[bool]string{true: g.id, false: "x"}[p.Value.Name == "id"]
		}
	}
	fields := map[string]*openapi3.Schema{}
	if g.op.RequestBody != nil {
		if media := g.op.RequestBody.Value.Content.Get("application/json"); media != nil {
			collect(media.Schema.Value, fields)
			usual.body = object(sampleOf(fields, media.Schema.Value.Required))
		}
	}
	out := []generated{usual}
	vary := func(what string, change func(*generated)) {
		v := generated{what, maps.Clone(usual.path), maps.Clone(usual.query), maps.Clone(usual.header), usual.body}
		change(&v)
		out = append(out, v)
	}
	for _, p := range params {
		name := p.Value.Name
		for _, text := range append(slices.Clone(texts), edges(p.Value.Schema.Value)...) {
			vary(fmt.Sprintf("%s %s=%.40q", p.Value.In, name, text), func(v *generated) {
				switch p.Value.In {
				case "path":
					v.path[name] = text
				case "query":
					v.query.Set(name, text)
				case "header":
					v.header[name] = text
				}
			})
		}
		if p.Value.In == "query" {
			vary("twice "+name, func(v *generated) { v.query[name] = []string{"1", "2"} })
		}
	}
	vary("an unknown parameter", func(v *generated) { v.query.Set("unknown\x00", "\xff") })
	for name, schema := range fields {
		all := sampleOf(fields, []string{name})
		for _, required := range slices.Collect(maps.Keys(sampleOf(fields, usualRequired(g.op)))) {
			all[required] = sample(fields[required])
		}
		for _, value := range append(append(slices.Clone(values), jsonEdges(schema)...), sample(schema)) {
			vary(fmt.Sprintf("field %s=%.40s", name, value), func(v *generated) {
				changed := maps.Clone(all)
				changed[name] = value
				v.body = object(changed)
			})
		}
		vary("missing "+name, func(v *generated) {
			changed := maps.Clone(all)
			delete(changed, name)
			v.body = object(changed)
		})
	}
	for _, body := range bodies {
		if g.op.RequestBody == nil && len(body) > problem.MaxBody {
			continue // the contract lists 413 only for operations with a body
		}
		vary(fmt.Sprintf("body %.40q", body), func(v *generated) { v.body = body })
	}
	return out
}

func usualRequired(op *openapi3.Operation) []string {
	return op.RequestBody.Value.Content.Get("application/json").Schema.Value.Required
}

// send sends a request and returns the status of its answer.
func (g generator) send(t *testing.T, b *bundle, v generated) int {
	t.Helper()
	path := g.path
	for name, value := range v.path {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	if len(v.query) > 0 {
		path += "?" + v.query.Encode()
	}
	header := slices.Clone(g.login)
	for name, value := range v.header {
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' }) {
			return 0 // net/http's client refuses to send it
		}
		header = append(header, name, value)
	}
	var body io.Reader
	if g.op.RequestBody != nil || v.body != "" {
		body = strings.NewReader(v.body)
		header = append(header, "Content-Type", "application/json")
	}
	res := b.do(g.method, path, body, header...)
	switch {
	case res.status >= 500:
		t.Errorf("%s %s, %s: %d %.300s", g.method, path, v.what, res.status, res.body)
	case res.status >= 400:
		envelope(t, res.body)
	}
	return res.status
}

// collect adds the properties of a schema, and of the schemas that it is composed of, to into.
func collect(s *openapi3.Schema, into map[string]*openapi3.Schema) {
	for name, p := range s.Properties {
		into[name] = p.Value
	}
	for _, part := range slices.Concat(s.AllOf, s.AnyOf, s.OneOf) {
		collect(part.Value, into)
	}
}

func sampleOf(fields map[string]*openapi3.Schema, names []string) map[string]string {
	out := map[string]string{}
	for _, name := range names {
		if s := fields[name]; s != nil {
			out[name] = sample(s)
		}
	}
	return out
}

// sample returns a value that a schema allows, as JSON.
func sample(s *openapi3.Schema) string {
	for _, v := range append([]any{s.Example, s.Default}, s.Enum...) {
		if b, err := json.Marshal(v); v != nil && err == nil {
			return string(b)
		}
	}
	switch {
	case s.Type.Is("boolean"):
		return "true"
	case s.Type.Is("integer"), s.Type.Is("number"):
		if s.Min != nil {
			return strconv.FormatFloat(*s.Min, 'f', -1, 64)
		}
		return "1"
	case s.Type.Is("array"):
		return "[" + sample(s.Items.Value) + "]"
	case s.Type.Is("object"):
		return "{}"
	}
	return `"` + strings.Repeat("x", int(max(1, s.MinLength))) + `"`
}

// edges are the bounds of a schema and the values next to them.
func edges(s *openapi3.Schema) (out []string) {
	for _, bound := range []*float64{s.Min, s.Max} {
		if bound != nil {
			for _, by := range []float64{-1, 0, 1} {
				out = append(out, strconv.FormatFloat(*bound+by, 'f', -1, 64))
			}
		}
	}
	for _, v := range s.Enum {
		out = append(out, fmt.Sprint(v), strings.ToUpper(fmt.Sprint(v)))
	}
	if s.MaxLength != nil && *s.MaxLength < 5000 {
		out = append(out, strings.Repeat("x", int(*s.MaxLength)), strings.Repeat("x", int(*s.MaxLength)+1))
	}
	return out
}

// jsonEdges returns the edges of a body's field as JSON texts.
func jsonEdges(s *openapi3.Schema) (out []string) {
	for _, e := range edges(s) {
		if s.Type.Is("integer") || s.Type.Is("number") {
			out = append(out, e)
		} else {
			b, _ := json.Marshal(e)
			out = append(out, string(b))
		}
	}
	if s.MaxItems != nil && s.Items != nil {
		for _, n := range []uint64{*s.MaxItems, *s.MaxItems + 1} {
			items := slices.Repeat([]string{sample(s.Items.Value)}, int(n))
			out = append(out, "["+strings.Join(items, ",")+"]")
		}
	}
	return out
}

// object returns a JSON object. The values of fields are JSON texts.
func object(fields map[string]string) string {
	parts := make([]string, 0, len(fields))
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		parts = append(parts, strconv.Quote(name)+":"+fields[name])
	}
	return "{" + strings.Join(parts, ",") + "}"
}
