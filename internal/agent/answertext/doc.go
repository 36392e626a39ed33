// Package answertext reads the answer that a model wrote. It removes the model's thoughts, and renumbers the
// markers that point at quotes in the order of their first use. It removes markers that point at no quote, and
// counts the sentences without a marker. A Stream does the same while the text is still being written.
package answertext
