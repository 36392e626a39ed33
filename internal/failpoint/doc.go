// Package failpoint marks places in the program at which tests can stop, kill or change the program, to test interleavings that timing
// cannot produce reliably.
//
// Invariants:
//
//   - Failpoints exist only with the build tag "failpoints". Without it, [Hit] is an empty function that the compiler removes, and nothing
//     can arm a failpoint.
//   - Armed failpoints are values in the context, never global. So tests that run in parallel do not affect each
//     other, and code that is called with another context has no failpoints. A context made by context.WithoutCancel
//     still has the failpoints of its parent.
//   - A failpoint that is not armed does nothing, so production code may have any number of them.
//
// A name says where the failpoint is: "after_step_commit", "after_commit_before_notify".
package failpoint

// Variable is the environment variable that arms failpoints in a process under test (see FromEnv).
const Variable = "LEGWORK_FAILPOINTS"
