// Package maincontent chooses the part of a page that is its content, and marks the noise in and around it: navigation,
// advertisements, comments and the like.
//
// Invariants:
//
//   - The tree is not changed. What is left out is returned as a set of elements.
//   - An element is left out for one of these reasons (see noiser): its kind or role, its class names and id, its heading, its form,
//     or that it is a row of links. No reason counts for an element with a large part of the page's text. Weak reasons do not
//     count for an element with sentences and few links.
//   - If everything looks like noise, the whole page is the content.
package maincontent
