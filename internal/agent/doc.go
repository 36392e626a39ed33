// Package agent does the research of a task: it decides on tool calls, carries them out, and composes the answer from
// verified evidence. It talks to the world through Env alone.
//
// What holds for everything it does:
//
//   - A tool call is announced behind the fence, then made, then recorded in one step with all that follows from it.
//     After research.ErrFenced, or when its context is over, a run makes no further call.
//   - A call that the journal has is never made again and never announced again, except one that failed transiently in an
//     earlier try. All that a run knows of a page or a search comes out of the journaled result, also in the run that
//     wrote it, so a resumed run decides the same and ends with the same answer.
//   - A citation is a span of a snapshot that this task read. The text of pages is matched and quoted, never obeyed.
//   - Budgets end the reading, not the task.
//
// # The built-in reader
//
// Read is a deterministic planner; no language model is involved. It takes the question apart into terms (type question):
// names such as max_connections, json.loads, now() or NOTIFY weigh most, light words next to nothing, and a few words that
// answers of a shape are likely to use ("how long" → timeout, interval) are added as hints. Stems are Snowball's.
//
// Reading goes best first (type frontier). A link is scored by the share of the question, weighted by kind of term and by
// rarity among all links seen, that stands in its text, in the block or definition around it, in its address, in the
// heading above and in the title of its page; by how much its text is about nothing else; by what all links to the same
// page say together; by the evidence on the page that has it; by being a part of a page on the subject. The site's
// index or site map is opened early. Each link followed in a row costs a little. Reading ends when nothing related is left,
// when a budget is used up, or when the evidence is strong: one passage covers strongShare of the question and looks like
// an answer to it.
//
// The passages of the pages read are fetched with PostgreSQL's full-text search and ranked (func rank): by the share of
// the question, weighted by kind and rarity, in their own words, the headings and defined terms above them, the entry around
// them and the page's title; by how close together words of the question stand and what a single sentence has; by the
// entry being about just this; by the page's other passages; and by the shape of the answer: a number with a unit where the
// question asks how long or how large, "default" where it asks what holds otherwise, a reason where it asks why. Lists
// without sentences, fragments, and pages that are mostly links are lowered.
//
// The answer quotes up to five of them, each cited. It is partial when nothing relevant was found, and when a budget left
// unopened a link that looked relevant (a score of at least relevantLink) while the evidence was not strong; then
// metadata.budget is maxPages, timeBudget or maxDepth. Its confidence is computed by func confidence.
//
// # The tool loop
//
// Ask lets a language model decide. A reply is journaled as a step of kind model before it is acted on, and its calls under
// the same turn; a resumed run takes the replies from the journal in their order and the calls by tool and arguments, so
// the conversation is built anew, word for word, without a call made twice. What is refused (unknown tools, missing
// arguments, addresses that come out of nowhere, budgets) is told to the model at once and to the log with its next reply.
//
// Models that cannot call tools properly are understood where it is possible (repair.go): calls in tags, fences or plain
// text, broken JSON, other names. One that repeats itself, says nothing or makes no progress is cut off after a bound, and
// the reader's reading and ranking give the evidence.
//
// A quote counts when it stands in the snapshot, white space and typography aside (fold.go); what is kept is the snapshot's
// own span. The answer is written in a last call that sees nothing but the numbered quotes; markers that point at none are
// removed and counted, and so are the sentences without one. Its confidence is 0.45 times the share of sentences with a
// marker (times the mean weight of the verdicts on their quotes, where they were judged), plus 0.30 times
// the share of the question's weight that the best quote used covers, plus 0.25 times the number of
// pages quoted, of two at most; 0.05 when nothing is quoted.
//
// While the model writes the answer, Env.Say tells of it (speak.go), cleaned as the answer will be. A reply that turns out
// otherwise is said anew.
//
// Calls of one reply that touch different domains are made at the same time (ahead.go). They are announced together, with
// their keys, and recorded one after the other in the order of the reply, so the journal and the log do not depend on which
// page came first. Which calls they are follows from what was known before the reply; pages being loaded count against
// MaxPages.
//
// Support (support.go): where Limits.Support is set, one call more has the model judge each use of a quote as supported (1),
// partial (0.5) or unsupported (0). A citation has the weakest verdict on its uses. A use that was not judged, for want of
// time or tokens or because the reply made no sense, is unchecked and has no weight. This never changes Verified.
//
// A follow-up (followup.go) begins with the questions, the answer and the evidence of its parent. The evidence is the
// child's own: rows copied at submission, so it may be cited at once and outlives the parent. The reader opens the parent's
// pages again, and reads a question that names nothing together with the latest earlier one that does.
//
// Text of pages is data: it stands between marks that a page cannot know, the rules say so, and its words alone cannot send
// the agent to an address that no link, search or question has.
package agent
