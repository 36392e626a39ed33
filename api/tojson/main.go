// Command tojson writes an OpenAPI file in YAML as JSON, for clients that read no YAML:
//
//	go run ./tojson openapi.yaml openapi.gen.json
//
// The program embeds the result, so that it does not need a reader of OpenAPI files while it runs.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/getkin/kin-openapi/openapi3"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: tojson FROM.yaml TO.json")
		os.Exit(2)
	}
	if err := convert(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "tojson:", err)
		os.Exit(1)
	}
}

func convert(from, to string) error {
	doc, err := openapi3.NewLoader().LoadFromFile(from)
	if err != nil {
		return err
	}
	compact, err := doc.MarshalJSON()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", " "); err != nil { // a line for each value, so that a change of the contract is a short diff
		return err
	}
	out.WriteByte('\n')
	return os.WriteFile(to, out.Bytes(), 0o644)
}
