// Package toolcalls describes the tools to models, and reads the calls in their replies, also those of models that cannot
// call tools properly: calls in tags, fences or plain text, broken JSON, other names.
//
// Replies are foreign input. Text and arguments are read up to a length and a depth, and JSON is repaired only where it is
// short, since repairing takes time that grows with the square of the length.
package toolcalls
