// Package manual is the documentation as a web site. It renders the Markdown of docs/ with one template, and searches it with the ranking of
// passages that the built-in reader uses. `legwork serve` has it at /docs/, and the demo researches it.
//
// Invariants:
//
//   - The menu is the list of links in docs/README.md, and each page is in it.
//   - Links lead to pages of the site, with the headings that they name, or to other sites. A test checks this.
//   - Pages have no script, and load nothing from other hosts.
//   - The same site is served under any path, because its links are relative.
package manual
