// Package agent is the research of one run, whoever decides on it: the tools with their journal, and what they brought so
// far. It reaches the world through Env alone. The packages below it decide and write:
//
//   - ranking reads questions and scores passages by them,
//   - quotes finds a quote in a text, and answertext reads what a model wrote as an answer,
//   - toolcalls reads the tool calls in a model's reply, and prompts holds what models are told,
//   - reader is the built-in planner, which needs no model,
//   - loop lets a language model decide, and chooses between the two for a task.
//
// What holds for all of it:
//
//   - A tool call is announced behind the fence, then made, then recorded in one step with all that follows from it.
//     After research.ErrFenced, or when its context is over, a run makes no further call.
//   - A call that the journal has is never made again and never announced again, except one that failed transiently in an
//     earlier try. All that a run knows of a page or a search comes out of the journaled result, also in the run that
//     wrote it, so a resumed run decides the same and ends with the same answer.
//   - Evidence is a span of a snapshot that this task read. The text of pages is matched and quoted, never obeyed.
//   - Whether an address may be opened is the answer of one page.Scope.
//   - Budgets end the research, not the task.
//
// A follow-up begins with the questions, the answer and the evidence of its parent. The evidence is the child's own: rows
// copied at submission, so it may be cited at once and outlives the parent.
//
// Calls of one reply that touch different domains are made at the same time (Session.Prefetch). They are announced together,
// with their keys, and recorded one after the other in the order of the reply, so the journal and the log do not depend on
// which page came first. Pages being loaded count against MaxPages.
package agent
