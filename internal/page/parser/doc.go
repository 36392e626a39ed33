// Package parser reads documents in child processes, because a parser cannot be stopped from outside and a hostile document
// can make it take any time and memory.
//
// A Pool is a page.Reader. It starts this program again with a hidden command, whose process calls Serve: it takes documents
// over its standard input, one at a time, and answers with what was read.
//
// What holds:
//
//   - A document that would take more than its time, CPU or memory costs its child process and nothing else. The Pool
//     answers page.ErrLimit, and the next document gets a new process.
//   - When the context of a call ends, its child is killed at once.
//   - On Linux, the resident memory of all children together stays below LargeMemory plus SmallMemory for each further child.
//     A child that needs more than SmallMemory waits, stopped, for the one right to grow up to LargeMemory.
//   - No child outlives the process that started it: it ends with its standard input, and on Linux by a signal of the kernel.
//   - A child gets no environment, and no open file but its three pipes.
//   - One of the children is always kept for documents below LargeBody, so that a few large ones do not hold up the rest.
package parser
