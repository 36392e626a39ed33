// Package rendering writes a part of a page as blocks of plain text.
//
// Invariants:
//
//   - The text is plain. The kind of a block is stored beside it (plaintext.Block). The only marks in the text are # before
//     headings, "- " or a number before items, | around cells, ~~ around deleted text, and ^ and _ before raised and lowered
//     letters that would otherwise be misread. A definition is indented by one space below its term. Code keeps its lines and
//     spaces.
//   - Cells repeated for rowspan and colspan are bounded (maxCells), so the text is at most a multiple of the document.
package rendering
