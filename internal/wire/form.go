package wire

import (
	"bytes"

	"legwork/internal/outputschema"
	"legwork/internal/research"
)

// form reads the options about effort and form of the answer.
func (o *object) form(in *research.Options, effort research.Effort) {
	usual := research.FormatAnswer
	if effort == research.Deep {
		usual = research.FormatReport
	}
	in.Effort, in.Format = effort, choice(o, "format", research.Formats, usual)
	if o.get("length") != nil {
		in.Length = o.integer("length", research.MinLength, research.MaxLength, 0)
	}
	in.OutputSchema = o.outputSchema()
	switch {
	case effort == research.Quick && in.Format == research.FormatReport:
		o.bad.Add("format", "a report needs more than the effort quick; use the effort standard")
	}
}

// outputSchema reads a JSON Schema whose root is an object. It returns nil when the field is absent or invalid.
func (o *object) outputSchema() []byte {
	v := o.get("outputSchema")
	if v == nil {
		return nil
	}
	if _, err := outputschema.Parse(v); err != nil {
		o.bad.Add("outputSchema", "%s", err)
		return nil
	}
	return bytes.Clone(v)
}
