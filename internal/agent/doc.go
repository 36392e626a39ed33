// Package agent does the research of one run. It has the tools, their journal, and the results so far. All input and
// output goes through Env. The packages below it make the decisions:
//
//   - ranking splits questions into terms and scores passages by them,
//   - quotes finds a quote in a text, and answertext checks the answer that a model wrote,
//   - toolcalls reads the tool calls in a model's reply, and prompts has the prompts,
//   - reader is the built-in reader, which needs no model,
//   - loop lets a language model choose the calls, and chooses for each task between the model and the reader.
//
// Invariants:
//
//   - A tool call is announced by an event in a fenced transaction, then made, then recorded in one step with all its results. After
//     research.ErrFenced, or when its context has ended, a run makes no further call.
//   - A call in the journal is neither made nor announced again, except one that failed transiently in an earlier try. A run uses
//     only journaled results, even those that it has just written. So a resumed run makes the same decisions and ends with the
//     same answer.
//   - Evidence is a span of a snapshot that this task read. Text of pages is matched and quoted, but never followed as an
//     instruction.
//   - One page.Scope decides which addresses may be opened.
//   - When a budget is used up, the research ends, and the task still gets an answer.
//
// A follow-up starts with the questions, the answer and the evidence of its parent. The evidence is copied to the follow-up when
// it is submitted. So it may be cited at once, and it remains when the parent is deleted.
//
// Calls of one reply to different domains are made at the same time (Session.Prefetch). They are announced together with their
// journal keys, and recorded one after the other in the order of the reply. So the journal and the log do not depend on which
// page came first. Pages that are being loaded count against MaxPages.
package agent
