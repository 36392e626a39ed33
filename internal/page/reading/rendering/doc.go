// Package rendering writes a part of a page as blocks of plain text.
//
// What holds:
//
//   - The text is plain. What a block is stands beside it (plaintext.Block), and of signs there are only: # before headings, - or a number before
//     items, | around cells, ~~ around what is struck out, and ^ and _ where raised or lowered letters would read as others.
//     A definition is indented by one space below its term. A listing stands as it is.
//   - Cells repeated for rowspan and colspan are bounded (maxCells), so the text stays within a multiple of the document.
package rendering
