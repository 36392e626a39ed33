// Package quotes takes quotes that models wrote, and finds them in the text of a snapshot.
//
// Texts are stored in Unicode form NFC. They are compared in a simplified form (func normalise): NFKC with case folding,
// one kind of white space, quotation mark and dash, without invisible characters and marks of emphasis. So a quote is
// found even if the page writes its ligatures, full-width letters or accents differently. The result is always a span of
// the stored text, in code points. It begins and ends between two characters as readers see them. So evidence has the
// words of the source, never those of the model.
package quotes
