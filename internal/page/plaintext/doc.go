// Package plaintext builds the text of a page from blocks, and cuts it into passages. It is used for all kinds of documents.
//
// Invariants:
//
//   - Stored text was cleaned by Clean: it is valid UTF-8 without NUL, control characters and invisible characters.
//   - Positions are code points of the stored text: a passage or an excerpt is the text from Start to End.
//   - Cutting a text into passages takes time linear in its length.
package plaintext
