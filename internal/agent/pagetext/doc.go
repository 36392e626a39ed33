// Package pagetext prepares the text of a snapshot for a language model: it cuts the text into chunks, lists its
// headings, and writes the targets of links behind their texts. It does no I/O. All positions are in code points.
package pagetext
