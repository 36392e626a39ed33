package database

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
)

// explained is an error with a sentence that says what to do about it.
type explained struct {
	text string
	err  error
}

// Error implements error.
func (e explained) Error() string { return e.text }

// Unwrap returns the cause.
func (e explained) Unwrap() error { return e.err }

// explain turns an error of the first connection to PostgreSQL into one that says what to do. Other errors are returned as they are.
func explain(err error) error {
	var connect *pgconn.ConnectError
	if !errors.As(err, &connect) || connect.Config == nil {
		return err
	}
	cfg := connect.Config
	at := net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port))
	if len(cfg.Host) > 0 && cfg.Host[0] == '/' {
		at = "the socket in " + cfg.Host
	}
	var server *pgconn.PgError
	var name *net.DNSError
	var timeout net.Error
	text := ""
	switch {
	case errors.As(err, &server):
		text = adviceFor(server, cfg)
	case errors.As(err, &name):
		text = fmt.Sprintf("the host %q of DATABASE_URL is not known: correct the name, or the name server of this machine", name.Name)
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, os.ErrNotExist):
		text = fmt.Sprintf("no PostgreSQL listens at %s: start it, or correct DATABASE_URL", at)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		text = fmt.Sprintf("PostgreSQL at %s does not answer: check that it runs, and that no firewall is in between", at)
	}
	if text == "" {
		return err
	}
	return explained{text, err}
}

// adviceFor returns what to do about the refusal of a connection by the server, or "".
func adviceFor(e *pgconn.PgError, cfg *pgconn.Config) string {
	switch e.Code {
	case "28P01", "28000":
		return fmt.Sprintf("PostgreSQL refuses the user %q (%s): correct the user and the password in DATABASE_URL, or pg_hba.conf of the server", cfg.User, e.Message)
	case "3D000":
		return fmt.Sprintf("there is no database %q on the server: make it with CREATE DATABASE, or correct DATABASE_URL", cfg.Database)
	case "53300":
		return "PostgreSQL has no free connection: raise max_connections there, or lower DATABASE_MAX_CONNS here"
	case "57P03":
		return "PostgreSQL starts or stops at the moment: try again when it is ready"
	}
	return ""
}
