// Package api is the contract of the HTTP API: openapi.yaml, and the models and the chi server that oapi-codegen
// generates from it.
//
// Invariants:
//
//   - openapi.yaml is the source. The *.gen.* files are generated from it and never edited. The build fails
//     when they differ.
//   - The overlay oapi-overlay.yaml leaves out the operations that stream, upgrade or serve bytes;
//     internal/httpapi routes them by hand. openapi.gen.json is the whole contract, made by tojson.
//   - Every time is sent as a Time, so that there is one format.
package api

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config oapi.yaml openapi.yaml
//go:generate go run ./tojson openapi.yaml openapi.gen.json

import _ "embed" // for the contract below

// Contract is openapi.yaml as it is served at /api/openapi.yaml.
//
//go:embed openapi.yaml
var Contract []byte

// ContractJSON is the same as JSON.
//
//go:embed openapi.gen.json
var ContractJSON []byte
