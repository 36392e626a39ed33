// Package library has the command that reads sites, site maps and folders into the library.
package library

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"legwork/cmd/legwork/commands"
	"legwork/cmd/legwork/database"
	"legwork/cmd/legwork/sources"
	"legwork/internal/ingest"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/terminaltext"
)

// Command returns the command ingest.
func Command(env commands.Env) *cli.Command {
	p := &program{env}
	return &cli.Command{
		Name:      "ingest",
		Usage:     "read a site, a site map or a folder into the library",
		ArgsUsage: "URL|FOLDER|SITEMAP",
		Description: "A URL is read with the pages of its site that it links to; one that ends in .xml or .xml.gz is a site map. A folder is\n" +
			"searched for HTML, Markdown, text and PDF. Its files get addresses below --base-url; without one, below\n" +
			"https://FOLDER.invalid/, which exist only in the library.\n" +
			"The same pauses and limits apply as for tasks. Pages that have not changed are not written again, so the same\n" +
			"command continues an ingest that was interrupted. Tasks with searchEngine library find the pages.",
		Flags: []cli.Flag{
			&cli.IntFlag{Name: "max-pages", Value: 200, Usage: "pages read at most"},
			&cli.IntFlag{Name: "depth", Value: 3, Usage: "links followed in a row from a URL; 0: that page alone"},
			&cli.StringFlag{Name: "base-url", Usage: "address that stands for a folder, like https://docs.example.com/manual/"},
		},
		Action: p.ingest,
	}
}

// databaseWait is how long an ingest waits for a database that is not available.
const databaseWait = time.Minute

// program has the command of this package.
type program struct{ commands.Env }

func (p *program) ingest(ctx context.Context, c *cli.Command) error {
	if c.Args().Len() != 1 {
		return errors.New("name one URL, folder or site map: legwork ingest https://docs.example.com/")
	}
	if c.Int("max-pages") < 1 || c.Int("depth") < 0 {
		return errors.New("--max-pages must be at least 1, and --depth at least 0")
	}
	cfg, log, closeLog, err := p.Load(true)
	if err != nil {
		return err
	}
	defer closeLog()
	st, stop, err := database.OpenForCommand(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer stop()
	lists, err := page.OpenLists(cfg.AllowedDomainsFile, cfg.DisallowedDomainsFile, log)
	if err != nil {
		return fmt.Errorf("ALLOWED_DOMAINS_FILE and DISALLOWED_DOMAINS_FILE: %w", err)
	}
	parsers, err := sources.NewParsers(cfg, log)
	if err != nil {
		return err
	}
	defer parsers.Close()
	pages := sources.NewFetcher(cfg, p.Version, st, parsers, log)
	defer pages.Close()
	show := &ingestProgress{w: p.Out, terminal: commands.Terminal(p.Out)}
	sum, err := ingest.Run(ctx, pages, func(ctx context.Context, v research.Visit) (isNew bool, err error) {
		waiting, cancel := context.WithTimeout(ctx, databaseWait)
		defer cancel()
		err = store.UntilAvailable(waiting, func() error {
			isNew, err = st.For(research.DefaultAccount).SaveToLibrary(ctx, v)
			return err
		})
		return isNew, err
	}, ingest.Options{
		Target: c.Args().First(), BaseURL: c.String("base-url"), MaxPages: c.Int("max-pages"), Depth: c.Int("depth"),
		MaxBytes: int64(cfg.FetchMaxBytes), Policy: page.Policy{Lists: lists}, Report: show.item,
		Reader: parsers,
	})
	show.summary(sum, err != nil)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted; the pages that were read are in the library, and the same command continues")
	case err != nil:
		return err
	case sum.Read() == 0:
		return cli.Exit("nothing could be read", commands.ExitFailed)
	case sum.Unstored > 0:
		return cli.Exit(fmt.Sprintf("%d pages were read but could not be stored", sum.Unstored), commands.ExitFailed)
	}
	return nil
}

// ingestProgress shows the progress of an ingest. On a terminal it overwrites one line; otherwise it writes a line
// for each page.
type ingestProgress struct {
	w        io.Writer
	terminal bool
}

func (s *ingestProgress) item(i ingest.Item) {
	line := terminaltext.Clean(fmt.Sprintf("%4d/%d  %-9s  %s", i.Done, i.Known, i.State, i.URL))
	switch {
	case i.State == ingest.Failed:
		fmt.Fprintf(s.w, "%s%s  %s\n", s.clear(), line, terminaltext.Clean(i.Reason))
	case s.terminal:
		fmt.Fprint(s.w, s.clear(), research.Truncate(line, 78))
	default:
		fmt.Fprintln(s.w, line)
	}
}

// clear returns the codes that clear the terminal's line (ECMA-48 §8.3.41).
func (s *ingestProgress) clear() string {
	if !s.terminal {
		return ""
	}
	return "\r\x1b[K"
}

// summary writes what was read. broken means that an error has ended the ingest.
func (s *ingestProgress) summary(sum ingest.Summary, broken bool) {
	fmt.Fprintf(s.w, "%sRead %d pages: %d new, %d unchanged. %d failed", s.clear(), sum.Read(), sum.New, sum.Unchanged, sum.Failed)
	var reasons []string
	for r, n := range sum.Reasons {
		reasons = append(reasons, fmt.Sprintf("%s %d", r, n))
	}
	slices.Sort(reasons)
	if len(reasons) > 0 {
		fmt.Fprintf(s.w, " (%s)", strings.Join(reasons, ", "))
	}
	fmt.Fprintln(s.w, ".")
	switch {
	case sum.Left > 0 && broken:
		fmt.Fprintf(s.w, "%d more pages are known and were not read.\n", sum.Left)
	case sum.Left > 0:
		fmt.Fprintf(s.w, "%d more pages are known; --max-pages raises the limit.\n", sum.Left)
	}
}
