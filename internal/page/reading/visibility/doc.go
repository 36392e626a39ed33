// Package visibility decides what a person can see of a page, now or after using its controls. It uses the page's own style sheets
// and the attributes that the browser's reading script adds.
//
// Invariants:
//
//   - Hidden content is kept if something on the page can show it: a tab, a button, a <summary>, or a link or script that names the
//     element.
//   - Content that is drawn so that nobody can ever see it is removed, because attackers hide instructions to models in this way.
//   - The number of bytes, rules and selectors that are read is limited. A rule that is not understood hides nothing.
package visibility
