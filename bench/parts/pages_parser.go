package parts

import (
	"context"
	"fmt"
	"os"

	"legwork/internal/page/parser"
)

// ParserArguments returns the command-line arguments that make this program a parser process, in which it calls
// ParserMain. The part "pages" of the benchmark starts such processes, as a legwork server does.
func ParserArguments() []string { return []string{"parse"} }

// ParserMain is the main function of a parser process. It returns the exit status.
func ParserMain(ctx context.Context) int {
	if err := parser.Serve(ctx, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// newParsers returns a pool of parser processes like that of a legwork server. dir is the folder in which the
// processes store compiled machine code.
func newParsers(dir string) (*parser.Pool, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program of bench, which reads documents in processes of its own: %w", err)
	}
	return parser.NewPool(parser.Config{Command: append([]string{self}, ParserArguments()...), CacheDir: dir})
}
