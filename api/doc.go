// Package api is the contract of the HTTP API: openapi.yaml, and the models and the chi server that oapi-codegen
// generates from it.
//
// Invariants:
//
//   - openapi.yaml is the source. The *.gen.go files are generated from it and never edited. The build fails
//     when they differ.
//   - The overlay oapi-overlay.yaml leaves out the operations that stream, upgrade or serve bytes;
//     internal/httpapi routes them by hand. spec.gen.go embeds the whole contract.
//   - Every time is sent as a Time, so that there is one format.
package api

//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config oapi.yaml openapi.yaml
//go:generate go tool -modfile=../tools/go.mod oapi-codegen -config oapi-spec.yaml openapi.yaml

import _ "embed" // for the contract below

// Contract is openapi.yaml as it is served at /api/openapi.yaml. GetSpecJSON gives the same as JSON.
//
//go:embed openapi.yaml
var Contract []byte
