// Package outputschema reads the JSON Schema that a task may give for its data, and checks data against it.
//
// A schema comes from a client, so it is bounded: in bytes, in levels, and in the number of its subschemas after local
// references are replaced by their targets. References to other documents are refused and never loaded. A schema that
// refers to itself is refused, too: without references the work of a check is at most the number of subschemas times the
// number of values.
package outputschema
