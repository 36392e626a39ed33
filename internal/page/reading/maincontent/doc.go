// Package maincontent chooses the part of a page that is its content, and marks the noise in and around it: navigation,
// advertisements, comments and the like.
//
// Invariants:
//
//   - The tree is not changed. The elements to leave out are returned as a set.
//   - An element is left out for one of these reasons (see noiser): its kind or role, its class names and id, its heading, its form, or
//     being a row of links. No reason is enough for an element with a large part of the page's text. Weak reasons are not enough for an
//     element with sentences and few links.
//   - If everything looks like noise, the whole page is the content.
package maincontent
