// Package api is the contract of the HTTP API: openapi.yaml, and the models and the chi server that oapi-codegen
// generates from it.
//
// Invariants:
//
//   - openapi.yaml is the source. The *.gen.* files are generated from it and never edited. CI generates them again
//     and fails if they differ.
//   - The overlay oapi-overlay.yaml leaves out the operations that stream events, upgrade the connection or serve
//     files; internal/httpapi routes these by hand. openapi.gen.json is the whole contract as JSON, written by the
//     command tojson.
//   - Every time in a response is a Time, so that all times have the same format.
package api

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config oapi.yaml openapi.yaml
//go:generate go run ./tojson openapi.yaml openapi.gen.json

import _ "embed" // for the contract below

// Contract is openapi.yaml as it is served at /api/openapi.yaml.
//
//go:embed openapi.yaml
var Contract []byte

// ContractJSON is the same contract as JSON.
//
//go:embed openapi.gen.json
var ContractJSON []byte
