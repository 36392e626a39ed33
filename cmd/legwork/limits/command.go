package limits

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/urfave/cli/v3"

	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/store/identities"
	"legwork/internal/store/usage"
	"legwork/internal/wire"
)

// With opens the database, calls do with it, and closes it.
type With func(ctx context.Context, do func(st *store.Store) error) error

// names returns the names of the limits on the command line and in the API.
func names() []string {
	return []string{"tasksPerHour", "tasksPerDay", "concurrentRuns", "openStreams", "pagesPerMonth", "tokensPerMonth", "dollarsPerMonth"}
}

// Command returns the command `legwork limits`, which shows and sets limits by direct access to the database.
func Command(out io.Writer, with With) *cli.Command {
	flags := []cli.Flag{
		&cli.StringFlag{Name: "account", Value: research.DefaultAccount, Usage: "id of the account"},
		&cli.StringFlag{Name: "key", Usage: "id of one of its API keys. Default: the whole account"},
	}
	return &cli.Command{
		Name:  "limits",
		Usage: "show and set what accounts and API keys may use, by direct access to the database",
		Commands: []*cli.Command{
			{Name: "show", Usage: "show the limits and what is used of them", Flags: flags, Action: func(ctx context.Context, c *cli.Command) error {
				return with(ctx, func(st *store.Store) error { return show(ctx, out, st, c.String("account"), c.String("key")) })
			}},
			{
				Name: "set", Usage: "set limits; those that are not named stay. none removes one", ArgsUsage: "NAME=NUMBER …",
				Description: "The names are " + strings.Join(names(), ", ") + ".",
				Flags:       flags,
				Action: func(ctx context.Context, c *cli.Command) error {
					return with(ctx, func(st *store.Store) error {
						return set(ctx, out, st, c.String("account"), c.String("key"), c.Args().Slice())
					})
				},
			},
		},
	}
}

func set(ctx context.Context, out io.Writer, st *store.Store, account, key string, args []string) error {
	if len(args) == 0 {
		return errors.New("name at least one limit: legwork limits set NAME=NUMBER")
	}
	used, err := usage.New(st)
	if err != nil {
		return err
	}
	present, _, err := used.Limits(ctx, account, key)
	if err != nil {
		return err
	}
	limits, err := change(present, args)
	if err != nil {
		return err
	}
	err = identities.New(st).SetLimits(ctx, identities.Actor{Kind: identities.ByOperator}, account, key, limits)
	if errors.Is(err, research.ErrNotFound) {
		return fmt.Errorf("there is no account %s, or it has no key %q; legwork accounts list and legwork keys list name them", account, key)
	}
	if err != nil {
		return err
	}
	return show(ctx, out, st, account, key)
}

// change sets limits by arguments of the form NAME=NUMBER, which must obey the rules of the API.
func change(l research.UsageLimits, args []string) (research.UsageLimits, error) {
	values := values(l)
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if _, known := values[name]; !known || !ok {
			return l, fmt.Errorf("%q: write NAME=NUMBER or NAME=none, with one of %s", arg, strings.Join(names(), ", "))
		}
		if value == "none" {
			values[name] = nil
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
			return l, fmt.Errorf("%q: write a number, or none", arg)
		}
		values[name] = json.Number(value)
	}
	body, err := json.Marshal(values)
	if err != nil {
		return l, err
	}
	return wire.DecodeUsageLimits(body)
}

// values returns the limits by name. The value nil means that there is no limit.
func values(l research.UsageLimits) map[string]any {
	number := func(n *int64) any {
		if n == nil {
			return nil
		}
		return *n
	}
	out := map[string]any{"tasksPerHour": number(l.TasksPerHour), "tasksPerDay": number(l.TasksPerDay), "concurrentRuns": number(l.ConcurrentRuns),
		"openStreams": number(l.OpenStreams), "pagesPerMonth": number(l.PagesPerMonth), "tokensPerMonth": number(l.TokensPerMonth), "dollarsPerMonth": nil}
	if l.MicrodollarsPerMonth != nil {
		out["dollarsPerMonth"] = float64(*l.MicrodollarsPerMonth) / 1e6
	}
	return out
}

func show(ctx context.Context, out io.Writer, st *store.Store, account, key string) error {
	used, err := usage.New(st)
	if err != nil {
		return err
	}
	l, own, err := used.Limits(ctx, account, key)
	if err != nil {
		return err
	}
	u, err := used.Used(ctx, account, key)
	if err != nil {
		return err
	}
	limits := values(l)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "LIMIT\tMOST\tUSED\tRESERVED")
	for _, row := range []struct {
		name           string
		used, reserved any
	}{
		{"tasksPerHour", u.TasksThisHour, ""}, {"tasksPerDay", u.TasksToday, ""}, {"concurrentRuns", u.Runs, ""}, {"openStreams", u.Streams, ""},
		{"pagesPerMonth", u.Pages, u.PagesReserved}, {"tokensPerMonth", u.Tokens, u.TokensReserved},
		{"dollarsPerMonth", float64(u.Microdollars) / 1e6, float64(u.MicrodollarsReserved) / 1e6},
	} {
		most := limits[row.name]
		if most == nil {
			most = "none"
		}
		fmt.Fprintf(table, "%s\t%v\t%v\t%v\n", row.name, most, row.used, row.reserved)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if !own && key == "" {
		fmt.Fprintln(out, "These are the limits of the configuration (LIMIT_…); the account has none of its own.")
	}
	return nil
}
