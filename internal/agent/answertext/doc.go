// Package answertext processes the answer that a model wrote. It removes the model's thoughts and the markers that point
// at no quote. It renumbers the other markers in the order of their first use, and counts the sentences without a
// marker. A Stream does the same while the text is still being written.
package answertext
