// Package wire translates between the domain and the JSON of the contract (api/openapi.yaml).
//
// Invariants:
//
//   - What DecodeNewTask accepts satisfies every bound of the contract, so the database's CHECKs never see a violation.
//   - Input is strict about types and lenient about spelling: camelCase and snake_case keys, camelCase first; null is
//     absence for whatever is optional; unknown keys are ignored, but a key given twice is an error.
//   - Question and seed URL pass through byte for byte.
//   - A task has the same keys wherever it is shown. Missing values are null, except in citations, where they are absent.
package wire
