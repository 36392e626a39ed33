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
