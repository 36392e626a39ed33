// Package dom has questions about parsed HTML that every step of reading asks: attributes, the words of names, the text below an
// element, and what kind of element it is.
//
// What holds: nothing here changes a tree, and what is read of one element's names or text is bounded where the caller says so.
package dom
