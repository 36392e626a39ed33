// Package answertext reads what a model wrote as an answer: it leaves thoughts out, renumbers the markers that point at
// quotes in the order of their first use, removes those that point at none, and counts the sentences without one. A Stream
// does the same while the text is still being written.
package answertext
