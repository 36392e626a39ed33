// Package reading reads an HTML document: its main content as text, its links, and the facts that the page states about itself,
// such as its title and date. It does no I/O.
//
// Page works in three steps, each in a package of its own. Package visibility removes what nobody can see. Package maincontent
// chooses the part to keep and marks what surrounds it. Package rendering writes this part as blocks of text. They share package
// dom and do not import each other.
//
// Invariants:
//
//   - If the chosen part has less than half of the page's text, the whole page is rendered too, and the longer text is used. Kept
//     is the share of the page's letters that the text has.
//   - Page changes the tree, so it can be called once. Parse reads the links before that, from the whole page.
//   - The time is linear in the size of the document. The HTML parser refuses trees deeper than 512, which bounds recursion.
package reading
