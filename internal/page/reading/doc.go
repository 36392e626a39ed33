// Package reading turns an HTML document into what a person reads: its main content as text, its links, and what the page says of itself. It
// does no I/O.
//
// Page takes three steps, each a package of its own: visibility takes out of the tree what nobody can see, maincontent chooses the
// part to keep and marks what surrounds it, rendering writes it as blocks of text. They share the package dom and do not import each other.
//
// What holds:
//
//   - When a choice loses half of the page, the whole page is tried, and the one with more that is no noise is taken. Kept says how
//     much of the page the text has.
//   - The tree is used up by Page. Links are read before that, from the whole page.
//   - Everything is linear in the size of the document. The parser refuses trees deeper than 512; recursion is bounded by that.
package reading
