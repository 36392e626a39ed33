package database

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/docker/go-units"
	"github.com/urfave/cli/v3"

	"legwork/internal/artifact"
	"legwork/internal/backup"
	"legwork/internal/store"
)

// exitFailed is the exit status of a restore whose audit found something.
const exitFailed = 2

func (p *Program) backupCommand() *cli.Command {
	return &cli.Command{
		Name:      "backup",
		Usage:     "write all data, rows and files, into one file, while the server runs or not",
		ArgsUsage: "FILE",
		Description: "FILE must not exist; - is standard output. The file has everything that the database has, hashes of passwords and keys too,\n" +
			"and is readable for you alone. It has neither the configuration nor the certificates.",
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() != 1 {
				return errors.New("name one file: legwork backup legwork.tar.zst")
			}
			return p.backup(ctx, c.Args().First())
		},
	}
}

func (p *Program) backup(ctx context.Context, path string) error {
	cfg, log, closeLog, err := p.Load(true)
	if err != nil {
		return err
	}
	defer closeLog()
	files, err := artifact.Open(cfg.ArtifactDir)
	if err != nil {
		return err
	}
	defer func() { _ = files.Close() }()
	db, err := Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer db.Stop()
	var sum backup.Summary
	write := func(w io.Writer) (err error) {
		sum, err = backup.Write(ctx, db.Direct, files, p.Version, w)
		return err
	}
	if path == "-" {
		err = write(p.Out)
	} else {
		err = newFile(path, write)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(p.ErrOut, "Wrote %d rows of %d tables and %d files (%s).\n", sum.Rows(), len(sum.Tables), sum.Files, units.BytesSize(float64(sum.Bytes)))
	if n := len(sum.Missing); n > 0 {
		fmt.Fprintf(p.ErrOut, "%d recorded files are not in ARTIFACT_DIR, so the backup lacks them: %s of task %s, and so on. Those that the database can make "+
			"again are made when they are asked for.\n", n, sum.Missing[0].Name, sum.Missing[0].Task)
	}
	return nil
}

// newFile makes a file that only this user can read, and that has its name only when it is complete and on the disk.
func newFile(path string, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists already; name another file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".legwork-backup-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	buffered := bufio.NewWriterSize(f, 1<<20)
	err = write(buffered)
	if err == nil {
		err = buffered.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil { // unlike a rename this never replaces a file
		return fmt.Errorf("name the backup: %w", err)
	}
	return os.Remove(f.Name())
}

func (p *Program) restoreCommand() *cli.Command {
	return &cli.Command{
		Name:      "restore",
		Usage:     "make an installation from a backup, in an empty database",
		ArgsUsage: "FILE",
		Description: "DATABASE_URL must name an empty database, or LEGWORK_HOME an empty folder. FILE may be -, standard input. The backup of an older\n" +
			"version is brought to this one. Open tasks continue when a worker starts, so do not let two copies of an installation run.",
		Action: func(ctx context.Context, c *cli.Command) error {
			if c.Args().Len() != 1 {
				return errors.New("name one file: legwork restore legwork.tar.zst")
			}
			return p.restore(ctx, c.Args().First())
		},
	}
}

func (p *Program) restore(ctx context.Context, path string) error {
	cfg, log, closeLog, err := p.Load(true)
	if err != nil {
		return err
	}
	defer closeLog()
	in := p.In
	if path != "-" {
		f, err := os.Open(path) //nolint:gosec // the operator names the file
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	files, err := artifact.Open(cfg.ArtifactDir)
	if err != nil {
		return err
	}
	defer func() { _ = files.Close() }()
	db, err := Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer db.Stop()
	if db.Held {
		return errors.New("a running legwork has this database; stop it, or choose another LEGWORK_HOME: a restore needs an empty database")
	}
	m, sum, err := backup.Restore(ctx, db.Direct, files, log, bufio.NewReaderSize(in, 1<<20))
	if err != nil {
		return err
	}
	fmt.Fprintf(p.Out, "Restored the backup of %s: %d rows of %d tables and %d files.\n", m.CreatedAt.Format("2006-01-02 15:04:05 MST"), sum.Rows(), len(sum.Tables), sum.Files)
	st, err := store.Open(ctx, store.Config{URL: db.URL, MaxConns: 4, LeaseTTL: cfg.LeaseTTL, Logger: log})
	if err != nil {
		return err
	}
	defer st.Close()
	findings, err := st.Worker().Audit(ctx)
	if err != nil {
		return err
	}
	for _, f := range findings {
		fmt.Fprintf(p.ErrOut, "audit: %s: %s: %s\n", f.Rule, f.Subject, f.Detail)
	}
	if len(findings) > 0 {
		return cli.Exit(fmt.Sprintf("the audit of the restored data has %d findings", len(findings)), exitFailed)
	}
	fmt.Fprintln(p.Out, "The audit found nothing.")
	return nil
}
