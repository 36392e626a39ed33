// Package runenv makes the agent.Env of one run: its database, web and stream, bound to the task and the run's
// epoch. It is the only place that makes an Env; the worker and the tests of the agent both use it.
//
// What holds:
//
//   - Every write names the run's epoch, and the database refuses it when the run has lost its task. When Emit
//     returns nil, the process's lease was fresh, and the next request to the outside may be made.
//   - Only the run that holds the epoch appends to its task's log. So when the answer to a COMMIT was lost,
//     the length of the log shows whether it took place.
//   - While the database cannot be reached, reads and writes wait for it. An outage costs time, but the task
//     is not tried again because of it.
//   - Writes come from one goroutine. Load, Recall, Search and Shoot may be called from several at once.
package runenv
