package database

import (
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"legwork/internal/config"
	"legwork/internal/dbtest"
	"legwork/internal/research"
)

// TestExplain checks that a database that cannot be reached is named together with what to do, for each of the usual reasons.
func TestExplain(t *testing.T) {
	t.Parallel()
	good, err := url.Parse(dbtest.URL(t))
	if err != nil {
		t.Fatal(err)
	}
	none := *good
	none.Path = "/nothing"
	for name, c := range map[string]struct{ url, want string }{
		"nobody listens":   {"postgres://127.0.0.1:1/none", "no PostgreSQL listens at 127.0.0.1:1: start it"},
		"no socket":        {"postgres:///none?host=/nowhere", "no PostgreSQL listens at the socket in /nowhere"},
		"no such name":     {"postgres://nothing.invalid/none", `the host "nothing.invalid" of DATABASE_URL is not known`},
		"no such database": {none.String(), `there is no database "nothing"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg, err := config.Load([]string{"DATABASE_URL=" + c.url}, "")
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = OpenForCommand(t.Context(), cfg, slog.New(slog.DiscardHandler))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %q", err, c.want)
			}
			if !errors.Is(err, research.ErrUnavailable) && name == "nobody listens" {
				t.Errorf("%v is no outage", err)
			}
		})
	}
}
