package api_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"legwork/api"
)

func TestTime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in   time.Time
		want string
	}{
		{time.Date(2026, 3, 5, 14, 30, 0, 0, time.UTC), `"2026-03-05T14:30:00.000Z"`},
		{time.Date(2026, 3, 5, 14, 30, 0, 125_999_999, time.UTC), `"2026-03-05T14:30:00.125Z"`},
		{time.Date(2026, 3, 5, 1, 30, 0, 0, time.FixedZone("", 2*3600)), `"2026-03-04T23:30:00.000Z"`},
	}
	for _, tt := range tests {
		b, err := json.Marshal(api.NewTime(tt.in))
		if err != nil || string(b) != tt.want {
			t.Errorf("%v is %s, %v, want %s", tt.in, b, err, tt.want)
		}
		var back api.Time
		if err := json.Unmarshal(b, &back); err != nil || !back.Equal(tt.in.Truncate(time.Millisecond)) {
			t.Errorf("%s reads back as %v, %v", b, back, err)
		}
	}
	for _, bad := range []string{`7`, `"2026-03-05T14:30:00Z"`, `"2026-03-05T14:30:00.000+00:00"`, `"2026-03-05"`} {
		if err := json.Unmarshal([]byte(bad), new(api.Time)); err == nil {
			t.Errorf("%s was accepted as a time", bad)
		}
	}
}

// TestParseTime checks that the T and the Z of a client's time may be lower case (RFC 3339 §5.6).
func TestParseTime(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 3, 5, 14, 30, 0, 0, time.UTC)
	for _, in := range []string{"2026-03-05T14:30:00Z", "2026-03-05t14:30:00z", "2026-03-05t16:30:00.000+02:00"} {
		if got, err := api.ParseTime(in); err != nil || !got.Equal(want) {
			t.Errorf("%s is %v, %v", in, got, err)
		}
	}
	if _, err := api.ParseTime("2026-03-05 14:30:00"); err == nil {
		t.Error("a time without T was accepted")
	}
}

// TestContractForbidsNUL checks that the contract says of texts that the server refuses with the character NUL that they must not have it.
func TestContractForbidsNUL(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	for schema, field := range map[string]string{"NewTask": "question", "Reason": "reason"} {
		property := doc.Components.Schemas[schema].Value.Properties[field].Value
		if err := property.VisitJSONString("one\nline and é"); err != nil {
			t.Errorf("%s: %v", field, err)
		}
		if property.VisitJSONString("a\x00b") == nil {
			t.Errorf("%s may have NUL", field)
		}
	}
}

// TestContract checks that the contract is a valid OpenAPI document, that its examples fit their schemas, and that
// the embedded copy is equal to the file.
func TestContract(t *testing.T) {
	t.Parallel()
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := json.Unmarshal(api.ContractJSON, &got); err != nil {
		t.Fatal(err)
	}
	b, err := doc.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	g, _ := json.Marshal(got)
	if w, _ := json.Marshal(want); string(g) != string(w) {
		t.Error("openapi.gen.json differs from openapi.yaml; run make gen")
	}
}
