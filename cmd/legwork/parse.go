package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"legwork/cmd/legwork/sources"
	"legwork/internal/page/parser"
)

// parseCommand returns the command that parser processes run. Workers start it; users do not.
func (p *program) parseCommand() *cli.Command {
	return &cli.Command{
		Name: sources.ParseCommand, Usage: "read documents from standard input; started by the other commands", Hidden: true,
		Action: func(ctx context.Context, _ *cli.Command) error { return parser.Serve(ctx, p.in, p.out) },
	}
}
