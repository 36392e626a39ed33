package connection

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// readOnlyTransaction is the SQLSTATE of a write that the server refused because it is a standby or read-only.
const readOnlyTransaction = "25006"

// Unavailable reports whether the same statement may succeed later, because err is about the connection or the present state
// of the server.
func Unavailable(err error) bool {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return true // whatever the reason is, there is no database for this statement now
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return unavailable(pg.Code)
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed")
}

// StatementTimeout reports whether the server ended a statement at statement_timeout, or after a cancel request.
func StatementTimeout(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "57014"
}

// ReadOnly reports whether the server refused a write because it is a standby or read-only.
func ReadOnly(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == readOnlyTransaction
}

// unavailable reports whether the same statement may succeed later. code is an SQLSTATE (PostgreSQL's manual, Appendix A).
func unavailable(code string) bool {
	switch code {
	case "57P01", "57P02", "57P03", "57P05", // shutdown, crash, starting up, idle session timeout
		readOnlyTransaction,
		"57014", "55P03", "40P01", "40001", // statement timeout, lock timeout, deadlock, serialization
		"25P03", "25P04": // idle in transaction, transaction timeout
		return true
	}
	// 08 is about the connection, 53 about resources of the server: connections, memory, disk.
	return len(code) == 5 && (code[:2] == "08" || code[:2] == "53")
}

// isTimeout reports whether a time limit of this process or of its kernel has ended an operation.
func isTimeout(err error) bool {
	var network net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &network) && network.Timeout()
}
