// Package runenv makes the agent.Env of one run: the functions by which the agent uses the database, the web and the
// streams. No other package makes an Env. The worker and the tests of the agent use this one.
//
// Invariants:
//
//   - Every write names the run's epoch. When the task has a newer epoch, the database refuses the write. When Emit returns
//     nil, the lease of the process was valid, and the run may make its next request.
//   - Only the run with the task's epoch appends to the task's log. So when the answer to a COMMIT is lost, the length of
//     the log shows whether the transaction was committed.
//   - While the database is unavailable, reads and writes wait. An outage does not use up a try of the task.
//   - Writes come from one goroutine. Load, Recall, Search and Shoot may be called from several at once.
package runenv
