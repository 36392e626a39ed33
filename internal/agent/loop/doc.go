// Package loop lets a language model decide on the calls of a session, and has it write the answer from the verified
// quotes. It also chooses, for each task, between the model and the built-in reader (Chooser).
//
// A reply is journaled as a step of kind model before it is acted on, and its calls under the same turn. A resumed run takes
// the replies from the journal in their order and the calls by tool and arguments, so the conversation is built again, word
// for word, without a call made twice. What is refused (unknown tools, missing arguments, addresses that come out of
// nowhere, budgets) is told to the model at once and to the log with its next reply.
//
// A model that repeats itself, says nothing or makes no progress is cut off after a bound; then the reader's reading and
// ranking give the evidence. An address that stands in the words of a page alone is not opened: a link, a search or the
// question has to have it, or a page of its site was read.
//
// A quote counts when package quotes finds it in the snapshot. The answer is written in a last call that sees nothing but
// the numbered quotes. Its confidence is 0.45 times the share of sentences with a marker (times the mean weight of the
// verdicts on their quotes, where they were judged), plus 0.30 times the share of the question's weight that the best quote
// used covers, plus 0.25 times the number of pages quoted, of two at most; 0.05 when nothing is quoted.
//
// While the model writes the answer, Env.PublishFragment gets its text, cleaned as the answer will be. Where the answer turns out
// to be another text, it is published again from its beginning.
//
// Where Limits.Support is set, one call more has the model judge each use of a quote as supported (1), partial (0.5) or
// unsupported (0). A citation has the weakest verdict on its uses. A use that was not judged, for want of time or tokens or
// because the reply made no sense, is unchecked and has no weight. This never changes Verified.
package loop
