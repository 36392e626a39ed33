// Package wire converts between the types of package research and the JSON of the contract (api/openapi.yaml).
//
// Invariants:
//
//   - A task that DecodeNewTask accepts satisfies every bound of the contract. So no CHECK of the database fails.
//   - Input must have the right types. Keys may be spelled in camelCase or snake_case; if both are given, the value of the
//     camelCase key is used. An optional field may be null, which means that it is absent. Unknown keys are ignored. A key
//     that is given twice is an error.
//   - The question and the seed URL of a task are stored as they were sent, byte for byte.
//   - A task has the same keys in every answer. Missing values are null. In citations, missing values are left out.
package wire
