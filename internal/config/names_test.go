package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMisspeltNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		environ []string
		file    string
		want    string // part of the error; empty when there must be no error
	}{
		{"two letters swapped", []string{"DATABASE_ULR=postgres://u:secret@h/d"}, "", "DATABASE_ULR=xxxxx (environment) must not be set: there is no such setting; DATABASE_URL may be meant"},
		{"a letter missing, in the file", nil, "API_PRT=80", "API_PORT may be meant"},
		{"a letter too many", []string{"BROWSERS=off"}, "", "BROWSER may be meant"},
		{"two slips in a long name", []string{"ALOWED_DOMAIN_FILE=x"}, "", "ALLOWED_DOMAINS_FILE may be meant"}, //nolint:misspell // it is misspelt on purpose
		{"our own prefix", []string{"LEGWORK_HOEM2=x"}, "", "LEGWORK_HOEM2"},
		{"our own prefix, nothing near", []string{"LEGWORK_SECRETS=x"}, "", ".env.example lists all"},
		{"begins as settings do, in the file", nil, "TASK_MAX_COFFEE=3", "TASK_MAX_COFFEE"},
		{"the same in the environment may be somebody else's", []string{"TASK_MAX_COFFEE=3"}, "", ""},
		{"other programs' variables", []string{"PATH=/bin", "POSTGRES_PASSWORD=x", "LLM=1", "API_KEY=x", "HOME=/root"}, "COMPOSE_PROJECT_NAME=x", ""},
		{"a near name beside the right one is something else", []string{"LOG_LEVEL=info", "LOGLEVEL=debug"}, "", ""},
		{"names read elsewhere", []string{"LEGWORK_API=http://localhost:1", "SSL_CERT_FILE=/etc/ssl/certs.pem", "LEGWORK_TEST_SERVER=embedded", "LEGWORK_BENCH_SERVER=x"}, "", ""},
		{"what Kubernetes gives beside a service named legwork", []string{"LEGWORK_SERVICE_HOST=10.0.0.1", "LEGWORK_PORT=tcp://10.0.0.1:8000", "LEGWORK_PORT_8000_TCP_ADDR=10.0.0.1"}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := ""
			if c.file != "" {
				path = filepath.Join(t.TempDir(), ".env")
				if err := os.WriteFile(path, []byte(c.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			_, err := Load(c.environ, path)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q in it", err, c.want)
			case err != nil && strings.Contains(err.Error(), "secret@"):
				t.Errorf("the value is shown: %v", err)
			}
		})
	}
}

func TestListsOfDomainsMustExist(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "allowed.txt")
	_, err := Load([]string{"ALLOWED_DOMAINS_FILE=" + missing, "DISALLOWED_DOMAINS_FILE=" + t.TempDir()}, "")
	for _, want := range []string{`ALLOWED_DOMAINS_FILE="` + missing + `" (environment) must name a file that exists`, "DISALLOWED_DOMAINS_FILE="} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
	if _, err := Load([]string{"ALLOWED_DOMAINS_FILE=config/allowed-domains.txt"}, ""); err != nil {
		t.Errorf("the default may be missing: %v", err)
	}
}
