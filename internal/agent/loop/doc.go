// Package loop lets a language model choose the tool calls of a session. Then the model writes the answer from the verified
// quotes. Chooser chooses, for each task, between the model and the built-in reader.
//
// Each reply is journaled as a step of kind model before anything is done with it. Its calls are journaled under the turn of
// the reply. A resumed run takes the replies from the journal in order, and the calls by tool and arguments. So it builds the
// same conversation, word for word, and makes no call twice. The loop refuses unknown tools, missing arguments, addresses
// without a source, and calls beyond a budget. The model is told at once; the log gets the refusal with the next reply.
//
// If the model repeats itself, says nothing or makes no progress, the loop ends its research after a bound. Then the built-in
// reader opens and ranks pages to find the evidence. An address must come from a link, from a search or from the question, or
// belong to a site that was read. An address that a page only mentions in its text is not opened.
//
// A quote is accepted if package quotes finds it in the snapshot. The model writes the answer in a last call that contains
// only the numbered quotes. The confidence is 0.45 times the share of sentences with a marker (times the mean weight of the
// verdicts on their quotes, if they were judged), plus 0.30 times the share of the question's weight that the best quote
// used covers, plus 0.25 times the number of pages quoted, at most 2, divided by 2. It is 0.05 if nothing is quoted.
//
// While the model writes the answer, Env.PublishFragment gets the text, cleaned like the final answer. If the final answer
// differs from the published text, it is published again from its beginning.
//
// If Limits.Support is set, the model judges in one more call whether each use of a quote is supported (1), partly supported
// (0.5) or unsupported (0). A citation has the lowest verdict of its uses. A use is unchecked, and has no weight, if time or
// tokens ran out or the verdict could not be read. Verdicts never change Verified.
package loop
