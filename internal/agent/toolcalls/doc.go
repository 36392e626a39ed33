// Package toolcalls describes the tools to models, and reads the tool calls in their replies. Some models cannot call tools
// properly: they write calls in tags, code fences or plain text, with broken JSON or with other names. These calls are read too.
//
// Replies are untrusted input. Text and arguments are read up to a length and a depth. Only short broken JSON is
// repaired, because the time for the repair grows with the square of the length.
package toolcalls
