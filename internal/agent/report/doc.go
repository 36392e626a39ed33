// Package report lets a language model write a report from verified quotes: an outline, then one section after the
// other, then a last pass that writes the summary and names open questions, limits, contradictions and corrections. It
// also lets the model write the answer as data by a JSON Schema (Data), and reads the contradictions that a model names
// after a short answer (SplitAnswer).
//
// The package makes no calls itself. It gets a function that makes one call of the model and journals the reply, so a
// resumed run gets the same replies again and makes the same decisions. All numbers of quotes in the prompts are the
// same; the markers of the finished text are numbered in the order in which the sections use the quotes.
//
// The text of the sections is published while the model writes it. The summary, which is written last, stands before the
// sections in the finished report, so the whole text is published once more at the end.
package report
