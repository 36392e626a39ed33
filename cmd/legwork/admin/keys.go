package admin

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/google/uuid"
	"github.com/urfave/cli/v3"

	"legwork/internal/access"
	"legwork/internal/auth/apikey"
	"legwork/internal/config"
	"legwork/internal/research"
	"legwork/internal/store/identities"
	"legwork/internal/terminaltext"
)

func (p *Program) keysCommand() *cli.Command {
	return &cli.Command{
		Name:  "keys",
		Usage: "make, list and revoke API keys, by direct access to the database",
		Commands: []*cli.Command{
			{
				Name:  "create",
				Usage: "make an API key and print it, this once",
				Flags: []cli.Flag{
					accountFlag(),
					&cli.StringFlag{Name: "name", Usage: "what the key is for", Required: true},
					&cli.StringSliceFlag{Name: "scope", Usage: "what it may be used for: " + scopeNames() + "; several times for several", Required: true},
					&cli.StringSliceFlag{Name: "net", Usage: "network from which it may be used, like 10.0.0.0/8; several times for several. Default: any"},
					&cli.StringFlag{Name: "expires", Usage: "how long it works, like 720h. Default: until it is revoked"},
					&cli.StringFlag{Name: "user", Usage: "id of the user whose role bounds it. Default: its scopes alone do"},
				},
				Action: p.createKey,
			},
			{Name: "list", Usage: "list the keys of an account, without their secrets", Flags: []cli.Flag{accountFlag()}, Action: p.listKeys},
			{Name: "revoke", Usage: "end a key at once, in every process", ArgsUsage: "ID", Flags: []cli.Flag{accountFlag()}, Action: p.revokeKey},
		},
	}
}

func scopeNames() string {
	names := make([]string, len(access.Scopes))
	for i, s := range access.Scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

func (p *Program) createKey(ctx context.Context, c *cli.Command) error {
	key := apikey.New()
	in, err := newKey(c, key, time.Now())
	if err != nil {
		return err
	}
	return p.with(ctx, func(st *identities.Store) error {
		if _, err := st.CreateKey(ctx, operator(), in); errors.Is(err, research.ErrNotFound) {
			return fmt.Errorf("there is no account %s, or no such user; legwork accounts list names the accounts", in.AccountID)
		} else if err != nil {
			return err
		}
		fmt.Fprintln(p.ErrOut, "The key is shown this once; keep it in a safe place:")
		fmt.Fprintln(p.Out, key.Reveal())
		return nil
	})
}

// newKey returns the key that the flags of a command describe.
func newKey(c *cli.Command, key apikey.Key, now time.Time) (identities.NewKey, error) {
	in := identities.NewKey{ID: key.ID, SecretHash: key.Hash, AccountID: c.String("account"), Name: strings.TrimSpace(c.String("name"))}
	if n := len([]rune(in.Name)); n == 0 || n > 200 {
		return in, errors.New("--name must have 1 to 200 characters")
	}
	for _, name := range c.StringSlice("scope") {
		scope := access.Scope(name)
		if !slices.Contains(access.Scopes, scope) {
			return in, fmt.Errorf("--scope %q: choose of %s", name, scopeNames())
		}
		if !slices.Contains(in.Scopes, scope) {
			in.Scopes = append(in.Scopes, scope)
		}
	}
	for _, name := range c.StringSlice("net") {
		net, err := netip.ParsePrefix(name)
		if err != nil {
			return in, fmt.Errorf("--net %q: name a network like 10.0.0.0/8 or 2001:db8::/32", name)
		}
		in.AllowedNets = append(in.AllowedNets, net.Masked())
	}
	if text := c.String("expires"); text != "" {
		life, err := config.ParseDuration(text)
		if err != nil || life <= 0 {
			return in, fmt.Errorf("--expires %q: name a duration like 720h", text)
		}
		end := now.Add(life)
		in.ExpiresAt = &end
	}
	if text := c.String("user"); text != "" {
		id, err := uuid.Parse(text)
		if err != nil {
			return in, fmt.Errorf("--user %q: name the id of a user", text)
		}
		in.UserID = &id
	}
	return in, nil
}

func (p *Program) listKeys(ctx context.Context, c *cli.Command) error {
	return p.with(ctx, func(st *identities.Store) error {
		keys, err := st.Keys(ctx, c.String("account"), nil)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(p.Out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tNAME\tSCOPES\tUSER\tCREATED\tLAST USED\tSTATE")
		for _, k := range keys {
			user := "-"
			if k.UserID != nil {
				user = k.UserID.String()
			}
			scopes := make([]string, len(k.Scopes))
			for i, s := range k.Scopes {
				scopes[i] = string(s)
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, terminaltext.Clean(k.Name), strings.Join(scopes, ","), user,
				day(&k.CreatedAt), day(k.LastUsedAt), keyState(k, time.Now()))
		}
		return table.Flush()
	})
}

// keyState returns a word or two that say whether a key may be used.
func keyState(k identities.Key, now time.Time) string {
	switch {
	case k.RevokedAt != nil:
		return "revoked " + day(k.RevokedAt)
	case k.ExpiresAt != nil && !k.ExpiresAt.After(now):
		return "expired " + day(k.ExpiresAt)
	case k.ExpiresAt != nil:
		return "until " + day(k.ExpiresAt)
	}
	return "in use"
}

// day formats a date. It returns - for nil.
func day(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return t.Format(time.DateOnly)
}

func (p *Program) revokeKey(ctx context.Context, c *cli.Command) error {
	id := c.Args().First()
	if c.Args().Len() != 1 {
		return errors.New("name the id of one key: legwork keys revoke ID; legwork keys list shows the ids")
	}
	return p.with(ctx, func(st *identities.Store) error {
		if _, err := st.RevokeKey(ctx, operator(), c.String("account"), id, nil); errors.Is(err, research.ErrNotFound) {
			return fmt.Errorf("the account %s has no key %s; legwork keys list shows the ids", c.String("account"), id)
		} else if err != nil {
			return err
		}
		fmt.Fprintf(p.Out, "The key %s is revoked.\n", id)
		return nil
	})
}
