package api_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"legwork/api"
)

var update = flag.Bool("update", false, "write docs/reference/http-api.md anew")

// TestReference checks that docs/reference/http-api.md is what is generated from the contract.
func TestReference(t *testing.T) {
	t.Parallel()
	const file = "../docs/reference/http-api.md"
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	want := reference(doc)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("%s differs from openapi.yaml; run: make reference (%v)", file, err)
	}
}

// operation is an operation of the contract with its place.
type operation struct {
	path, method string
	*openapi3.Operation
	shared openapi3.Parameters
}

func reference(doc *openapi3.T) string {
	var b strings.Builder
	b.WriteString("# HTTP API\n\nEvery operation and every object, made from the contract at `/api/openapi.yaml`.\n\n" +
		"[Call the API](../howto/call-the-api.md) is an introduction. Errors have the form of [Error](#error). Operations that say nothing else need a login or an API key.\n")
	byTag := map[string][]operation{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			byTag[op.Tags[0]] = append(byTag[op.Tags[0]], operation{path, method, op, item.Parameters})
		}
	}
	methods := []string{"GET", "POST", "PUT", "PATCH", "DELETE"}
	for _, tag := range doc.Tags {
		fmt.Fprintf(&b, "\n## Operations: %s\n", tag.Name)
		if tag.Description != "" {
			b.WriteString("\n" + folded(tag.Description) + "\n")
		}
		ops := byTag[tag.Name]
		delete(byTag, tag.Name)
		slices.SortFunc(ops, func(x, y operation) int {
			if x.path != y.path {
				return strings.Compare(x.path, y.path)
			}
			return slices.Index(methods, x.method) - slices.Index(methods, y.method)
		})
		for _, op := range ops {
			op.write(&b)
		}
	}
	for tag := range byTag {
		panic("the contract does not describe the tag " + tag)
	}
	b.WriteString("\n## Objects\n")
	for _, name := range slices.Sorted(maps(doc.Components.Schemas)) {
		writeSchema(&b, name, doc.Components.Schemas[name].Value)
	}
	return b.String()
}

func maps(m openapi3.Schemas) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (op operation) write(b *strings.Builder) {
	fmt.Fprintf(b, "\n### %s %s\n\n%s.", op.method, op.path, strings.TrimSuffix(op.Summary, "."))
	if op.Security != nil && len(*op.Security) == 0 {
		b.WriteString(" For everybody.")
	}
	b.WriteString("\n")
	if op.Description != "" {
		b.WriteString("\n" + folded(op.Description) + "\n")
	}
	for i, p := range append(slices.Clone(op.shared), op.Parameters...) {
		if i == 0 {
			b.WriteString("\n| Parameter | In | Type | Meaning |\n|---|---|---|---|\n")
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", p.Value.Name, p.Value.In, typeOf(p.Value.Schema), cell(p.Value.Description))
	}
	if op.RequestBody != nil {
		for _, media := range slices.Sorted(contentTypes(op.RequestBody.Value.Content)) {
			fmt.Fprintf(b, "\nBody: %s as `%s`.\n", typeOf(op.RequestBody.Value.Content[media].Schema), media)
		}
	}
	b.WriteString("\n| Answer | Meaning | Body |\n|---|---|---|\n")
	for _, status := range slices.Sorted(statuses(op.Responses)) {
		r := op.Responses.Value(status).Value
		var bodies []string
		for _, media := range slices.Sorted(contentTypes(r.Content)) {
			bodies = append(bodies, typeOf(r.Content[media].Schema))
		}
		text := ""
		if r.Description != nil {
			text = cell(*r.Description)
		}
		fmt.Fprintf(b, "| %s | %s | %s |\n", status, text, strings.Join(slices.Compact(bodies), ", "))
	}
}

func contentTypes(c openapi3.Content) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range c {
			if !yield(k) {
				return
			}
		}
	}
}

func statuses(r *openapi3.Responses) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range r.Map() {
			if !yield(k) {
				return
			}
		}
	}
}

func writeSchema(b *strings.Builder, name string, s *openapi3.Schema) {
	fmt.Fprintf(b, "\n### %s\n", name)
	if s.Description != "" {
		b.WriteString("\n" + folded(s.Description) + "\n")
	}
	if len(s.Properties) == 0 {
		fmt.Fprintf(b, "\nType: %s.\n", typeOf(&openapi3.SchemaRef{Value: s}))
		return
	}
	b.WriteString("\n| Field | Type | Meaning |\n|---|---|---|\n")
	for _, field := range slices.Sorted(maps(s.Properties)) {
		required := ""
		if slices.Contains(s.Required, field) {
			required = ", required"
		}
		description := ""
		if p := s.Properties[field]; p.Ref == "" {
			description = cell(p.Value.Description)
		}
		fmt.Fprintf(b, "| `%s` | %s%s | %s |\n", field, typeOf(s.Properties[field]), required, description)
	}
}

// typeOf describes a schema in a few words, with a link if it has a name.
func typeOf(s *openapi3.SchemaRef) string {
	if s == nil || s.Value == nil {
		return ""
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name))
	}
	v := s.Value
	var parts []string
	for _, of := range [][]*openapi3.SchemaRef{v.OneOf, v.AnyOf, v.AllOf} {
		var names []string
		for _, o := range of {
			names = append(names, typeOf(o))
		}
		if len(names) > 0 {
			parts = append(parts, strings.Join(names, " or "))
		}
	}
	switch {
	case v.Type.Is("array"):
		parts = append(parts, "list of "+typeOf(v.Items))
	case v.Type != nil:
		kind := strings.Join(v.Type.Slice(), " or ")
		if v.Format != "" {
			kind += " (" + v.Format + ")"
		}
		parts = append(parts, kind)
	case len(parts) == 0:
		parts = append(parts, "any value")
	}
	if len(v.Enum) > 0 {
		var values []string
		for _, e := range v.Enum {
			values = append(values, fmt.Sprintf("`%v`", e))
		}
		parts = append(parts, strings.Join(values, " "))
	}
	if v.Min != nil && v.Max != nil {
		parts = append(parts, fmt.Sprintf("%v to %v", *v.Min, *v.Max))
	}
	if v.MaxLength != nil {
		parts = append(parts, fmt.Sprintf("at most %d characters", *v.MaxLength))
	}
	if v.Default != nil {
		parts = append(parts, fmt.Sprintf("default `%v`", v.Default))
	}
	if v.Nullable {
		parts = append(parts, "or null")
	}
	return strings.Join(parts, ", ")
}

// folded returns a description with each paragraph on one line.
func folded(s string) string {
	var out []string
	for paragraph := range strings.SplitSeq(strings.TrimSpace(s), "\n\n") {
		if strings.Contains(paragraph, "\n- ") || strings.HasPrefix(paragraph, "- ") {
			out = append(out, paragraph)
			continue
		}
		out = append(out, strings.Join(strings.Fields(paragraph), " "))
	}
	return escaped(strings.Join(out, "\n\n"))
}

// escaped keeps Markdown from reading < as the beginning of HTML.
func escaped(s string) string { return strings.NewReplacer("<", "&lt;").Replace(s) }

func cell(s string) string {
	return escaped(strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`))
}
