// Package dom answers questions about parsed HTML that all steps of reading ask: attributes, the words of class names and ids,
// the text below an element, and its kind.
//
// Invariants: no function changes the tree. Functions that take a limit read no more of an element's names or text.
package dom
