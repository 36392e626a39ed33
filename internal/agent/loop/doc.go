// Package loop lets a language model choose the tool calls of a session. Afterwards the model writes the answer from the
// verified quotes. Chooser chooses, for each task, between the model and the built-in reader.
//
// Each reply of the model is journaled as a step of kind model before its tool calls are made. The calls are journaled
// under the turn of the reply. A resumed run takes the replies from the journal in their order, and finds the result of
// a call by its tool and arguments. So it rebuilds the same conversation, word for word, and makes no call twice. The
// loop refuses unknown tools, missing arguments, addresses without a source, and calls beyond a budget. The model learns
// of a refusal at once. The task's log gets the refusal together with the model's next reply.
//
// If the model repeats itself, says nothing or makes no progress, the loop ends the research after a few replies. If the
// model has cited nothing by then, the built-in reader opens and ranks pages to find the evidence. An address may be
// opened if it comes from a link, from a search or from the question, or belongs to a site that was read. An address
// that only occurs in the text of a page is not opened.
//
// A quote is accepted if package quotes finds it in the snapshot. The model writes the answer in a separate call that
// contains only the numbered quotes. The confidence is 0.45 times the share of sentences with a marker (times the mean
// weight of the verdicts on their quotes, if they were judged), plus 0.30 times the share of the question's weight that
// the best quote used covers, plus 0.25 times the number of independent sources quoted, at most 2, divided by 2. It is
// 0.05 if nothing is quoted.
//
// With the effort quick, the built-in reader finds the quotes, so that only the answer needs the model. With the format
// report, package report writes the answer in several calls, each journaled. With a schema for data, further calls follow
// the answer; their quotes are added to those that the result cites.
//
// While the model writes the answer, Env.PublishFragment receives the text, cleaned in the same way as the final answer.
// If the final answer differs from the published text, it is published again from its beginning.
//
// If Limits.Support is set, one more call asks the model whether each use of a quote is supported (weight 1), partly
// supported (0.5) or unsupported (0). A citation gets the lowest verdict of its uses. A use stays unchecked, and has no
// weight, if time or tokens ran out or the verdict could not be read. Verdicts never change Evidence.Verified.
package loop
