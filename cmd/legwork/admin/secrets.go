package admin

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v3"

	"legwork/internal/store/identities"
)

// errNoKey means that no secret can be sealed again, because there is no key.
var errNoKey = errors.New("LEGWORK_SECRET_KEY is not set, so there is no key to seal secrets with")

func (p *Program) secretsCommand() *cli.Command {
	return &cli.Command{
		Name: "secrets", Usage: "replace the key that encrypts secrets in the database",
		Commands: []*cli.Command{{
			Name: "rotate", Usage: "encrypt all secrets with the first key of LEGWORK_SECRET_KEY; afterwards the other keys are not needed",
			Action: func(ctx context.Context, _ *cli.Command) error { return p.rotateSecrets(ctx) },
		}},
	}
}

func (p *Program) rotateSecrets(ctx context.Context) error {
	keys, err := p.Keys()
	if err != nil {
		return err
	}
	if !keys.Ready() {
		return errNoKey
	}
	return p.with(ctx, func(st *identities.Store) error {
		n, err := st.Reseal(ctx, keys)
		fmt.Fprintf(p.Out, "sealed again with the first key: %d; sealed with it already: %d\n", n.Done, n.Current)
		if n.Foreign > 0 {
			fmt.Fprintf(p.ErrOut, "sealed with none of these keys, so left as they are: %d (logins that began without LEGWORK_SECRET_KEY end within ten minutes)\n", n.Foreign)
		}
		return err
	})
}
