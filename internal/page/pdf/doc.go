// Package pdf reads the text of a PDF by the positions of its characters.
//
// PDFium, compiled to WebAssembly, opens the file and says where each character stands; it runs in wazero's sandbox, without
// cgo, files, network or clock. This package makes words, lines, columns, paragraphs, tables and headings of the positions.
//
// What holds:
//
//   - Every document gets a PDFium instance of its own, which is closed after it. Nothing of one document reaches the next.
//   - An instance has at most 128 MiB of memory. A context that ends stops it in the middle of its work.
//   - Pages, characters of a page and the whole text are bounded. What is left out is said in Document.Omitted.
//   - Time is linear in the number of characters, but for the sorting of the lines of a page.
//   - Text is readable: ligatures and other presentation forms are plain letters, words divided at line ends are joined.
package pdf
