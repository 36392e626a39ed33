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
//   - Computing is limited by CPU time, so that a busy machine refuses no document that a quiet one reads. The limit of time
//     is far longer, and ends what hangs.
//   - On Linux, the resident memory of all children together stays below Config.Memory, for any number of children, but for
//     what one takes between two looks at it (20 ms). A child has SmallMemory from its start, and LargeMemory when there is
//     room for it. Where there is none it is ended, and its document is read again, alone in having LargeMemory.
//   - No child outlives the process that started it: it ends with its standard input, and on Linux by a signal of the kernel.
//   - A child gets no environment, and no open file but its three pipes.
//   - One of the children is always kept for documents below LargeBody, so that a few large ones do not hold up the rest.
package parser
