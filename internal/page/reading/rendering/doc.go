// Package rendering writes a part of a page as blocks of plain text.
//
// Invariants:
//
//   - The text is plain. The kind of a block is stored beside the text (plaintext.Block). The only marks in the text are # before headings,
//     "- " or a number before list items, | around table cells, ~~ around deleted text, and ^ and _ before raised and lowered letters that
//     would otherwise be misread. A definition is indented by one space more than its term. Code keeps its lines and spaces.
//   - The number of cells that are repeated for rowspan and colspan is limited (maxCells), so the text is at most a multiple of the
//     document.
package rendering
