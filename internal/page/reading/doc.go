// Package reading turns an HTML document into what a person reads: its main content as text, its links, and what the page says of itself. It
// does no I/O.
//
// What holds:
//
//   - The text is plain. What a block is stands beside it (plaintext.Block), and of signs there are only: # before headings, - or a number before
//     items, | around cells, ~~ around what is struck out, and ^ and _ where raised or lowered letters would read as others.
//     A definition is indented by one space below its term. A listing stands as it is.
//   - What is not shown now is content when something on the page can show it. What nobody can ever see is not, for
//     that is where instructions to machines hide (see visibility).
//   - The part that is chosen holds what the page calls its content; each element that is left out has a reason (see noiser), and none of
//     them counts where the element is a large part of the page. Kept says how much of the page the text has.
//   - Everything is linear in the size of the document. The parser refuses trees deeper than 512; recursion is bounded by that.
package reading
