// Package stream carries the events of tasks from the table to every client that watches, in whichever process either
// of them is.
//
// The table is the truth; everything else here only says "look again". The parts:
//
//   - Publisher is called after each commit. It hands the events to this process's Hub and tells other processes by
//     NOTIFY, in a statement of its own: a NOTIFY inside the data transaction takes a lock on the whole database.
//     Small events travel in the payload while there is room, which spares the receiver a read.
//   - Listener holds one connection with LISTEN and passes what it hears to the Hub.
//   - Hub has one topic per watched task, shared by all subscriptions of the process, and polls once a second for
//     whatever no notification told of.
//   - Deltas are the text of an answer while it is written (Publisher.Say, Hub.SubscribeWithDeltas). They travel beside the
//     events, are stored nowhere and may get lost.
//
// Invariants:
//
//   - A subscription gets every event after its cursor exactly once and in order, then io.EOF. Only when the rows were
//     deleted under it may events be missing, and then the terminal event still arrives if this process heard of it.
//   - An event enters a topic without a read only if its seq follows the topic's last one; anything else is a reason
//     to read the table. So callbacks that overtake each other cannot reorder a stream.
//   - How far a log is said to have come (notifications, polls) is never believed: it causes reads and nothing else.
//   - A topic keeps a bounded window of encoded frames. A subscription behind that window reads the table at its own
//     cursor in bounded pieces, so a slow client holds one piece and never a backlog.
//   - Whatever happens to deltas, a subscription with them gets every event as one without, and before the event that
//     completes the task its deltas make up the answer exactly.
//   - Errors of the database delay a stream and never end it.
//   - There is no goroutine per subscription; a goroutine lives while a read of the table does.
package stream
