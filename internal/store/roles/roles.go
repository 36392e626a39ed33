// Package roles makes the database roles and grants each of them only the privileges that it needs. The role of the
// program must not change the schema (no DDL). The role of analysts may read only the report views. grants.sql
// contains all of these statements.
package roles

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

//go:embed grants.sql
var grants string

// Grant creates the roles legwork_owner, legwork_app and legwork_report on the server if they are missing. It makes
// legwork_owner the owner of the database's objects, and grants the other two roles the privileges that they need (see
// grants.sql). These roles cannot log in: an administrator must create roles that can log in, as their members. The role
// in url must own the objects and be allowed to create roles. Run Grant after every schema.Migrate, because a migration
// adds objects.
func Grant(ctx context.Context, url string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return fmt.Errorf("connect to grant: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	// A call of Exec without arguments uses the simple query protocol, which runs all statements in one transaction.
	_, err = conn.Exec(ctx, grants, pgx.QueryExecModeSimpleProtocol)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "42501" { // insufficient_privilege
		return fmt.Errorf("the role of DATABASE_URL may not do this; run legwork migrate --grants as a role with CREATEROLE that owns the tables, "+
			"for instance the one that migrated: %w", err)
	}
	if err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	return nil
}
