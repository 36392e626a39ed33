// Package pdf reads the text of a PDF from the positions of its characters.
//
// PDFium, compiled to WebAssembly, opens the file and reports the position of each character. It runs in wazero's sandbox: no cgo, no
// files, no network, no clock. From the positions this package builds words, lines, columns, tables, paragraphs and headings.
//
// Invariants:
//
//   - Every document gets a PDFium instance of its own, which is closed afterwards. So no data of one document can get into another.
//   - An instance has at most 128 MiB of memory. It is stopped when the context ends, even in the middle of its work.
//   - The number of pages, the characters of a page and the size of the text are limited. Document.Omitted says what was left out.
//   - The time grows linearly with the number of characters, apart from the sorting of the lines of a page.
//   - The text is readable: ligatures and other presentation forms are replaced by plain letters, and words that were divided
//     at the end of a line are joined.
package pdf
