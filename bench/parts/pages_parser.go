package parts

import (
	"context"
	"fmt"
	"os"

	"legwork/internal/page/parser"
)

// ParserArguments are the arguments with which this program runs ParserMain: as a process that reads documents, which the part
// pages starts as a legwork server does.
func ParserArguments() []string { return []string{"parse"} }

// ParserMain is the main function of such a process. It gives the exit status.
func ParserMain(ctx context.Context) int {
	if err := parser.Serve(ctx, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// newParsers returns the processes that read documents, as a legwork server has them. dir is for their machine code.
func newParsers(dir string) (*parser.Pool, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program of bench, which reads documents in processes of its own: %w", err)
	}
	return parser.NewPool(parser.Config{Command: append([]string{self}, ParserArguments()...), CacheDir: dir})
}
