// Package parser reads documents in child processes. A parser cannot be stopped from outside, and a hostile document can make it use any
// amount of time and memory. But a process can be killed.
//
// A Pool is a page.Reader. It starts this program again with a hidden command that calls Serve. The child reads documents from its
// standard input, one at a time, and writes the results to its standard output.
//
// Invariants:
//
//   - If a document exceeds its limits of time, CPU or memory, only its child process is killed. The Pool returns page.ErrLimit, and
//     the next document gets a new process.
//   - When the context of a call ends, the child that serves this call is killed at once.
//   - The usual limit is CPU time, so that a busy machine reads every document that an idle machine reads. The limit of elapsed time is
//     much longer, and ends processes that hang.
//   - On Linux, the resident memory of all children together stays below Config.Memory, except for what a child allocates between two
//     measurements (20 ms). A child may use SmallMemory from its start, and LargeMemory while Config.Memory has room for it. If
//     there is no room, the child is killed, and the document is read again later by the only child with LargeMemory.
//   - No child outlives its parent. It ends when its standard input ends; on Linux the kernel also kills it.
//   - A child gets no environment variables of the parent, and no open files except its three pipes.
//   - A child that reads a large document has a lower priority than all other processes of the program, so that it does not slow them, and
//     reads no other document afterwards.
//   - One child is reserved for documents smaller than LargeBody, so that a few large documents do not delay all others.
package parser
