// Package admin has the commands with which an operator manages accounts, users, API keys and sealed secrets by direct access to the
// database. They may run while servers run: the servers are notified of each change. The audit log names the operator
// as the actor.
package admin

import (
	"context"
	"io"

	"github.com/urfave/cli/v3"

	"legwork/internal/research"
	"legwork/internal/sealed"
	"legwork/internal/store/identities"
)

// Program holds what the commands need from the main program.
type Program struct {
	Out    io.Writer // results
	ErrOut io.Writer // messages for people
	// Open opens the users and keys in the configured database. Call stop at the end.
	Open func(ctx context.Context) (st *identities.Store, stop func(), err error)
	// URL returns the URL of the server according to the configuration. The commands use it in the links that they
	// print.
	URL func() (string, error)
	// Keys returns the keys that encrypt secrets in the database. There may be none.
	Keys func() (*sealed.Keys, error)
}

// Commands returns the commands accounts, users, keys and secrets.
func (p *Program) Commands() []*cli.Command {
	return []*cli.Command{p.accountsCommand(), p.usersCommand(), p.keysCommand(), p.secretsCommand()}
}

// operator returns the actor that the audit log names for changes by these commands.
func operator() identities.Actor { return identities.Actor{Kind: identities.ByOperator} }

// with opens the users and keys in the database, and calls do with them.
func (p *Program) with(ctx context.Context, do func(st *identities.Store) error) error {
	st, stop, err := p.Open(ctx)
	if err != nil {
		return err
	}
	defer stop()
	return do(st)
}

// accountFlag returns the flag with the account to which a command applies.
func accountFlag() cli.Flag {
	return &cli.StringFlag{Name: "account", Value: research.DefaultAccount, Usage: "id of the account"}
}
