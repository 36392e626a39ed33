// Package quotes finds quotes that models wrote in the text of a snapshot.
//
// Texts are stored in Unicode form NFC, but compared in a looser form (func normalise): NFKC with case folding, one kind of white
// space, quotation marks and dashes, without invisible characters and emphasis marks. So a quote is found even if its
// ligatures, full-width letters or accents are written differently. The result is always a span of the stored text, in code
// points. It begins and ends between two characters as readers see them. So evidence has the words of the source, never those
// of the model.
package quotes
