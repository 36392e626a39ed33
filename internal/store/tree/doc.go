// Package tree stores the trees of deep tasks: their pools, children and shares, and what they wait for.
//
// Invariants:
//
//   - A transaction locks the heads of children before the head of their parent, and the row of the parent's pool last.
//   - While a deep task waits for its children, no run holds it. Only then do its children append to its log.
//   - The shares of the children and the deep task's own share together never exceed the pool.
package tree
