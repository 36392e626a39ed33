// Package plaintext holds what the text of a page is made of, whatever document it came from.
//
// What holds:
//
//   - Text that is stored went through Clean: valid UTF-8 without NUL, control characters and invisible characters.
//   - Positions are code points of the stored text: the text from Start to End is what a passage or an excerpt shows.
//   - Passages are cut in time linear in the length of the text.
package plaintext
