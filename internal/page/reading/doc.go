// Package reading reads an HTML document: its main content as text, its links, and the facts that the page states about itself,
// such as its title and date. It does no I/O.
//
// Page works in three steps, each in a package of its own. Package visibility removes what nobody can see. Package maincontent chooses the
// part to keep and marks the elements around it that are left out. Package rendering writes the chosen part as blocks of text. The three
// packages share package dom and do not import each other.
//
// Invariants:
//
//   - If the chosen part has less than half of the page's text, the whole page is rendered too, and the longer text is used. Document.Kept
//     is the share of the page's letters that are in the text.
//   - Page changes the tree, so it can be called only once. Parse reads the links before that, from the whole page.
//   - The time is linear in the size of the document. The HTML parser refuses trees with more than 512 levels, which limits recursion.
package reading
