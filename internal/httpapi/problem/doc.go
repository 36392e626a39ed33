// Package problem has the errors of the API as clients get them, and their envelope.
//
// Invariants:
//
//   - Of alone decides which error a client gets for an error of the program.
//   - An answer has the status, the code and a sentence of an error, and never its cause.
package problem
