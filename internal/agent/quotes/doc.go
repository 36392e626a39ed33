// Package quotes finds a quote in the text of a snapshot, as models write quotes.
//
// Texts are stored in Unicode's form NFC and compared in another one (func Normalise): compatibility forms taken apart
// (NFKC) and letter case folded, white space, quotation marks and dashes of one kind each, characters without width and
// emphasis marks left out. So a quote is found whose ligatures, full-width letters or accents are written another way.
// What is found is always a span of the stored text, in code points, that begins and ends between two characters as
// readers see them: what is kept as evidence is the source's own words, never the model's.
package quotes
