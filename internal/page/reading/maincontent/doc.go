// Package maincontent chooses the part of a page that is its content, and marks what in it and around it is not.
//
// What holds:
//
//   - The tree is not changed: what is left out is a set of elements.
//   - Each element that is left out has a reason (see noiser): its element or role, its names, its heading, its form, or that it is a row
//     of links. None of them counts where the element is a large part of the page, and no weak one where it has sentences and few links.
//   - When everything looks like noise, the whole page is the content.
package maincontent
