// Package failpoint names places in the program where tests can stop, kill or divert it, to reach interleavings that
// timing cannot.
//
// Invariants:
//
//   - Failpoints exist only with the build tag "failpoints". Without it [Hit] is an empty function that the compiler
//     removes, and nothing from outside can arm one.
//   - Armed failpoints travel in the context, never in a global: tests that run in parallel do not meet, and code that
//     loses its context loses its failpoints. Contexts made with context.WithoutCancel keep them.
//   - A name that nobody armed does nothing, so production code may hit as many as it likes.
//
// Names say where they stand: "after_step_commit", "after_commit_before_notify".
package failpoint

// Variable is the environment variable that arms failpoints in a process under test, see FromEnv in active.go.
const Variable = "LEGWORK_FAILPOINTS"
