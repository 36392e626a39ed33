// Package metrics has the metrics of a process, in the form of Prometheus. The program makes one [Metrics] and hands it to its
// parts, which call its methods. A nil *Metrics counts nothing.
//
// Invariants:
//
//   - All metrics are defined in definitions.go, and docs/metrics.md is generated from there.
//   - Every label has a bounded number of values, whatever sites, models and clients send: at most maxValues, then "other". A
//     value has at most maxValueLength bytes of valid UTF-8.
//   - No label has an id, a host name, an address, or a text of a user.
//   - What the database knows is read by one query, at most once in [DatabaseEvery] in each process, however often the metrics are read.
package metrics
