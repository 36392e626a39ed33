package admin

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/urfave/cli/v3"

	"legwork/internal/access"
	"legwork/internal/auth/login"
	"legwork/internal/auth/token"
	"legwork/internal/research"
	"legwork/internal/store/identities"
	"legwork/internal/terminaltext"
)

func (p *Program) usersCommand() *cli.Command {
	return &cli.Command{
		Name:  "users",
		Usage: "invite, list, disable, enable, export and erase users, by direct access to the database",
		Commands: []*cli.Command{
			{
				Name:      "create",
				Usage:     "print a link with which a person becomes a user and a member, once, within a week",
				ArgsUsage: "EMAIL",
				Flags: []cli.Flag{
					accountFlag(),
					&cli.StringFlag{Name: "role", Value: string(access.Member), Usage: "viewer, member, admin or owner"},
					&cli.StringFlag{Name: "url", Usage: "URL of the server for the link. Default: PUBLIC_URL, or API_PORT on this machine"},
				},
				Action: p.inviteUser,
			},
			{Name: "list", Usage: "list the members of an account", Flags: []cli.Flag{accountFlag()}, Action: p.listUsers},
			{Name: "disable", Usage: "end the sessions and keys of a user at once, in every account, and let nobody log in as the user", ArgsUsage: "EMAIL|ID", Action: p.setDisabled(true)},
			{Name: "enable", Usage: "let a user who was disabled log in again", ArgsUsage: "EMAIL|ID", Action: p.setDisabled(false)},
			{Name: "export", Usage: "print all that is stored about a user, as JSON, without secrets", ArgsUsage: "EMAIL|ID", Action: p.about(p.exportUser)},
			{Name: "erase", Usage: "remove all that is stored about a user, for good; tasks stay with their account", ArgsUsage: "EMAIL|ID", Action: p.about(p.eraseUser)},
		},
	}
}

// inviteLife is how long the link of an invitation is valid.
const inviteLife = 7 * 24 * time.Hour

func (p *Program) inviteUser(ctx context.Context, c *cli.Command) error {
	email, ok := login.Email(c.Args().First())
	if c.Args().Len() != 1 || !ok {
		return errors.New("name one e-mail address: legwork users create ada@example.org")
	}
	role := access.Role(c.String("role"))
	if !role.Includes(access.Viewer) {
		return fmt.Errorf("--role %q: choose viewer, member, admin or owner", role)
	}
	base := strings.TrimRight(c.String("url"), "/")
	if base == "" {
		var err error
		if base, err = p.URL(); err != nil {
			return err
		}
	}
	return p.with(ctx, func(st *identities.Store) error {
		made := token.New()
		_, err := st.CreateInvitation(ctx, operator(), access.Owner, identities.NewInvitation{ID: made.ID, SecretHash: made.Secret.Hash(),
			AccountID: c.String("account"), Email: email, Role: role, Lifetime: inviteLife})
		if errors.Is(err, research.ErrNotFound) {
			return fmt.Errorf("there is no account %s; legwork accounts list names the accounts", c.String("account"))
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(p.ErrOut, "Give this link to %s; it works once, within a week:\n", email)
		fmt.Fprintf(p.Out, "%s/setup?token=%s\n", base, url.QueryEscape(made.Text()))
		return nil
	})
}

func (p *Program) listUsers(ctx context.Context, c *cli.Command) error {
	return p.with(ctx, func(st *identities.Store) error {
		members, err := st.Members(ctx, c.String("account"))
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tEMAIL\tNAME\tROLE\tSINCE\tLAST LOGIN\tSTATE")
		for _, m := range members {
			state := "-"
			if m.DisabledAt != nil {
				state = "disabled " + day(m.DisabledAt)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", m.UserID, terminaltext.Clean(m.Email), terminaltext.Clean(m.Name), m.Role, day(&m.Since), day(m.LastLoginAt), state)
		}
		return table.Flush()
	})
}

// about returns the action of a command about one user. The only argument of the command names the user, and do gets
// the user's id.
func (p *Program) about(do func(ctx context.Context, st *identities.Store, who string, id uuid.UUID) error) cli.ActionFunc {
	return func(ctx context.Context, c *cli.Command) error {
		who := c.Args().First()
		if c.Args().Len() != 1 {
			return errors.New("name one user by e-mail address or id; legwork users list shows both")
		}
		return p.with(ctx, func(st *identities.Store) error {
			id, err := st.UserNamed(ctx, who)
			if err == nil {
				err = do(ctx, st, who, id)
			}
			if errors.Is(err, research.ErrNotFound) {
				return fmt.Errorf("there is no user %s; legwork users list shows the members of an account", who)
			}
			return err
		})
	}
}

// setDisabled returns the action of the command that disables a user, or of the command that enables one.
func (p *Program) setDisabled(disabled bool) cli.ActionFunc {
	return p.about(func(ctx context.Context, st *identities.Store, who string, id uuid.UUID) error {
		if err := st.SetDisabled(ctx, operator(), id, disabled); err != nil {
			return err
		}
		state := "enabled"
		if disabled {
			state = "disabled"
		}
		fmt.Fprintf(p.Out, "The user %s is %s.\n", who, state)
		return nil
	})
}

func (p *Program) exportUser(ctx context.Context, st *identities.Store, _ string, id uuid.UUID) error {
	document, err := st.Export(ctx, operator(), id)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Out, "%s\n", document)
	return nil
}

func (p *Program) eraseUser(ctx context.Context, st *identities.Store, who string, id uuid.UUID) error {
	err := st.Erase(ctx, operator(), id)
	var last identities.LastOwnerOf
	if errors.As(err, &last) {
		return fmt.Errorf("%s is the last owner of the account %s, which has other members or tasks; make another member owner first, "+
			"or invite one: legwork users create EMAIL --role owner --account %s", who, last.Account, last.Account)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Out, "The user %s is erased; the audit log keeps the id %s.\n", who, id)
	return nil
}
