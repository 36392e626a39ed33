//go:build !race

package parser

// raceFactor is how much more memory a process takes because of the race detector.
const raceFactor = 1
