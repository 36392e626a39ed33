// Package stream carries the events of tasks from the table to every client that watches them. The run and the client
// may be in different processes.
//
// Only the table decides what a stream contains. Everything else here says when to read it. The parts:
//
//   - [Publisher] is called after each commit. It passes the events to this process's [Hub] and notifies other processes
//     by NOTIFY. The NOTIFY is a statement of its own, because inside the data transaction it would take a lock on the
//     whole database. Small events are sent in its payload, so that the receiver needs no read.
//   - [Listener] holds one connection with LISTEN and passes notifications to the Hub.
//   - [Hub] has one topic per watched task, which all subscriptions of the process share. Once a second it polls the table
//     for events whose notification was lost.
//   - [Subscription] returns messages: events as typed values, and deltas. An [Encoder] writes them in the format of one
//     protocol. An event is encoded once per process and encoder, and the bytes are kept with it.
//   - Deltas are pieces of an answer while it is written ([Publisher.PublishFragment], [Hub.SubscribeWithDeltas]). They are
//     sent apart from events, are not stored and may get lost.
//
// Invariants:
//
//   - A subscription gets every event after its cursor exactly once and in order, then io.EOF. Events may be missing only
//     if their rows were deleted meanwhile. Even then the terminal event arrives, if this process received it.
//   - An event enters a topic without a read only if its seq follows the topic's last one. Any other event causes a read
//     of the table. So publishes that arrive in the wrong order cannot reorder a stream.
//   - The length of a log in a notification or poll only causes a read. Nothing else relies on it.
//   - A topic keeps a window of recent events. The window is bounded in events and in bytes, encodings included. A
//     subscription behind the window reads the table at its own cursor in bounded pieces. So a slow client costs one piece
//     of memory, however far it is behind.
//   - A subscription with deltas gets the same events as one without. Before the event that completes the task, its deltas
//     make up exactly the answer, even if some were lost.
//   - Errors of the database delay a stream and never end it.
//   - There is no goroutine per subscription. A goroutine runs only while it reads the table.
package stream
