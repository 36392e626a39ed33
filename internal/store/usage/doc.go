// Package usage keeps what accounts and API keys may use and have used, and decides which waiting task runs next, in PostgreSQL.
//
// Invariants:
//
//   - What the ended runs of this month used and what open runs have reserved is never more than the limit. A run reserves when it
//     begins, in the transaction that claims it, and the reservation is its row in runs: it ends with the run, whatever ends it.
//   - What a run used is its journal. It is added once, in the transaction that ends the run. Deleting a task gives nothing back.
//   - A submission is counted in the transaction that stores it.
//   - Periods are hours, days and months of the calendar in UTC: one counter each, a clear time at which a limit allows more, and
//     months as bills have them. Around the end of a period twice the limit may come in a short time.
//   - Waiting for room costs a task no try and no run.
package usage
