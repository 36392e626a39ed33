package admin

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"legwork/internal/research"
	"legwork/internal/store/identities"
	"legwork/internal/terminaltext"
)

// plainAccount matches a valid id of an account. The database has the same rule.
var plainAccount = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

func (p *Program) accountsCommand() *cli.Command {
	return &cli.Command{
		Name:  "accounts",
		Usage: "make and list accounts, each with tasks, library and members of its own, by direct access to the database",
		Commands: []*cli.Command{
			{
				Name: "create", Usage: "make an account", ArgsUsage: "ID",
				Flags:  []cli.Flag{&cli.StringFlag{Name: "name", Usage: "for people"}},
				Action: p.createAccount,
			},
			{Name: "list", Usage: "list the accounts", Action: p.listAccounts},
		},
	}
}

func (p *Program) createAccount(ctx context.Context, c *cli.Command) error {
	id := c.Args().First()
	if c.Args().Len() != 1 || !plainAccount.MatchString(id) {
		return errors.New("name one id of lower case letters, digits, - and _, at most 63: legwork accounts create ID")
	}
	if len([]rune(c.String("name"))) > 200 {
		return errors.New("--name may have at most 200 characters")
	}
	return p.with(ctx, func(st *identities.Store) error {
		if err := st.CreateAccount(ctx, operator(), id, c.String("name")); errors.Is(err, research.ErrConflict) {
			return fmt.Errorf("there is an account %s already", id)
		} else if err != nil {
			return err
		}
		fmt.Fprintf(p.Out, "The account %s exists. Give it a key: legwork keys create --account %s --name NAME --scope admin\n", id, id)
		return nil
	})
}

func (p *Program) listAccounts(ctx context.Context, _ *cli.Command) error {
	return p.with(ctx, func(st *identities.Store) error {
		accounts, err := st.Accounts(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tNAME\tMEMBERS\tKEYS\tCREATED")
		for _, a := range accounts {
			fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\n", a.ID, terminaltext.Clean(a.Name), a.Members, a.Keys, day(&a.CreatedAt))
		}
		return table.Flush()
	})
}
