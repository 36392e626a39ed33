package database

import (
	"strings"
	"testing"
)

func TestWithoutPassword(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"postgres://ann:s3cret@db:5433/x?sslmode=disable":                 "postgres://ann@db:5433/x?sslmode=disable",
		"postgres://ann@db/x?password=s3cret&sslmode=disable":             "postgres://ann@db/x?sslmode=disable",
		"host=db user=ann password=s3cret dbname=x":                       "host=db user=ann dbname=x",
		`password = 's3cret \' x' host=db`:                                "host=db",
		"postgres://u@/legwork?host=%2Ftmp%2Fa&port=5432&sslmode=disable": "postgres://u@/legwork?host=%2Ftmp%2Fa&port=5432&sslmode=disable",
	} {
		rest, password, err := withoutPassword(dsn)
		if err != nil || rest != want || strings.Contains(dsn, "s3cret") && !strings.HasPrefix(password, "s3cret") {
			t.Errorf("%s: %q, %q, %v", dsn, rest, password, err)
		}
	}
}
