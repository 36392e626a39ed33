// Package research is the domain of legwork: what a task is, which states it goes through, what happens while it runs
// and what it leaves behind. It does no I/O and imports no other package of this module.
//
// Words, used with one meaning in SQL, Go, JSON and UI:
//
//   - task: one question with its options, from submission to answer.
//   - run: one worker's hold on a task, numbered by its epoch. A task has one run at a time, several in its life.
//   - epoch: the fence. Every exit of a run bumps it; a write that names an older epoch changes nothing.
//   - try: runs that follow a transient failure start a new try; a hand-back or a lost worker does not.
//   - step: one journaled model reply or tool result, keyed (task, turn, call number).
//   - event: one entry of a task's public log, numbered by seq from 1 without gaps.
//   - snapshot, page: the extracted text of a document, stored once per content and never changed.
//   - visit: one task's reading (or failure to read) of one URL.
//   - passage: a span of a page that ranks and can be cited whole.
//   - evidence: a span of a page that a task keeps as a source; its excerpt is that span, character for character.
//   - citation: a piece of evidence that the answer cites, by the number in brackets that is its marker.
//   - cursor: the seq of the last event a reader has.
//
// All offsets count Unicode code points, as PostgreSQL's substr does.
package research
