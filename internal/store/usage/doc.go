// Package usage stores in PostgreSQL how much accounts and API keys may use and have used. It decides which waiting task
// runs next.
//
// Invariants:
//
//   - What the ended runs of this month used, plus what open runs have reserved, is never more than the limit. A run reserves
//     when it begins, in the transaction that claims it. The reservation is stored in the row of the run. So it ends with the
//     run, for whatever reason the run ends.
//   - The journal of a run shows what the run used. This is added to the counters once, in the transaction that ends the run.
//     Deleting a task does not reduce the counters.
//   - A submission is counted in the transaction that stores it.
//   - Periods are hours, days and months of the calendar in UTC. So each limit needs one counter, its reset time is easy to
//     tell, and months are the same as in bills. Around the end of a period, twice the limit may be used in a short time.
//   - A task that waits until its account has room uses up no try and no run.
package usage
