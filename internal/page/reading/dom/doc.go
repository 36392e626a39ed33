// Package dom has functions on parsed HTML that all steps of reading need. They return attributes, the words of class names and ids, the
// text below an element, and its kind.
//
// Invariants: no function changes the tree. A function with a limit reads no more of an element's names or text than the limit.
package dom
