// Package stream carries the events of tasks from the table to every client that watches, in whichever process the run and
// the client are.
//
// The table is the truth. Everything else here only says when to read it. The parts:
//
//   - [Publisher] is called after each commit. It hands the events to this process's [Hub] and tells other processes by
//     NOTIFY. The NOTIFY is a statement of its own, because inside the data transaction it would take a lock on the whole
//     database. Small events travel in its payload, which spares the receiver a read.
//   - [Listener] holds one connection with LISTEN and passes to the Hub what comes in.
//   - [Hub] has one topic per watched task, shared by all subscriptions of the process. Once a second it polls for what no
//     notification told of.
//   - [Subscription] yields messages: events as the domain knows them, and deltas. Who speaks a protocol encodes them with
//     an [Encoder]. An event is encoded once per process and encoder, and the bytes are kept beside it.
//   - Deltas are the text of an answer while it is written ([Publisher.PublishFragment], [Hub.SubscribeWithDeltas]). They
//     travel apart from events, are stored nowhere and may get lost.
//
// Invariants:
//
//   - A subscription gets every event after its cursor exactly once and in order, then io.EOF. Events may be missing only
//     when their rows were deleted meanwhile. Even then the terminal event arrives, if this process received it.
//   - An event enters a topic without a read only if its seq follows the topic's last one. Any other event causes a read
//     of the table. So publishes that overtake each other cannot reorder a stream.
//   - What notifications and polls say of the length of a log only causes reads. It is never believed.
//   - A topic keeps a window of recent events. The window is bounded in events and in bytes, encodings included. A
//     subscription behind the window reads the table at its own cursor in bounded pieces, so a slow client holds one
//     piece and never a backlog.
//   - A subscription with deltas gets every event as one without. Before the event that completes the task, its deltas
//     make up the answer exactly, whatever was lost.
//   - Errors of the database delay a stream and never end it.
//   - There is no goroutine per subscription. A goroutine runs only while a read of the table does.
package stream
