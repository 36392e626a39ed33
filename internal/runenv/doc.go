// Package runenv gives one run of a task its agent.Env: the database, the web and the stream, bound to this task and to the
// epoch of this run. It is the one place where an Env is put together; the worker and the tests of the agent use it alike.
//
// What holds:
//
//   - Every write is fenced by the run's epoch. When Emit returns nil, the process's lease was fresh: the next effect on the
//     outside may be made.
//   - Only the run that holds the epoch appends to its task's log. So a COMMIT whose answer was lost is settled by reading how
//     far the log has grown.
//   - While the database is away, reads and writes wait for it. An outage costs time and no try.
//   - Writes come from one goroutine; Load, Recall, Search and Shoot may be called from several at once.
package runenv
