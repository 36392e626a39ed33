//go:build race

package parser

// raceFactor is the factor by which the race detector increases the memory of a process.
const raceFactor = 8
