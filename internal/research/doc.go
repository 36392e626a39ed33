// Package research has the types of legwork's domain: tasks, their states, events, steps, pages and evidence. It does no I/O
// and imports no other package of this module.
//
// Words, used with one meaning in SQL, Go, JSON and UI:
//
//   - task: one question with its options, from submission to answer.
//   - run: the work of one worker on a task. A task may have several runs, one after the other.
//   - epoch: the number of a run of a task. It grows when a run ends. A write with an older epoch changes nothing.
//   - try: one attempt at a task, numbered from 1. Only a transient failure starts a new try; a hand-back or a lost
//     worker does not.
//   - journal: the steps of a task. A later run does not repeat them.
//   - step: one model reply or tool result in the journal, with the key (task, turn, call number).
//   - event: one entry of a task's public log, numbered by seq from 1 without gaps.
//   - snapshot, page: the extracted text of a document. It is stored once per text and never changed.
//   - visit: one load of one URL by a task, with or without success.
//   - passage: a span of a page that search ranks, short enough to be cited whole.
//   - evidence: a span of a page that a task keeps as a source. Its excerpt is the text of the span, character for character.
//   - citation: a piece of evidence that the answer cites. Its marker is the number in brackets in the answer.
//   - lease: a worker's right to its runs, which its heartbeats renew.
//   - cursor: the seq of the last event that a reader has.
//
// All offsets count Unicode code points, as PostgreSQL's substr does.
package research
