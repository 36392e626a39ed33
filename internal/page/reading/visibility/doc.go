// Package visibility tells what of a page a person can see, now or after using its controls, from the page's own style sheets and from
// the marks that the browser's reading script leaves.
//
// What holds:
//
//   - What is not shown now stays when something on the page can show it: a tab, a button, a <summary>, a link or a script that names it.
//   - What is drawn so that nobody can ever see it goes, for that is where instructions to machines hide.
//   - Bytes, rules and selectors of style sheets and scripts that are looked at are bounded. What was not understood hides nothing.
package visibility
