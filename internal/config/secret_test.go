package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSecretsAreNeverShown prints a configuration in many ways, none of which may show a secret.
func TestSecretsAreNeverShown(t *testing.T) {
	t.Parallel()
	cfg := load(t, "LLM_API_KEY=hunter2-key", "DATABASE_URL=postgres://me:hunter2-pass@db:5432/legwork?sslmode=disable")
	require.Equal(t, "hunter2-key", cfg.LLMAPIKey.Reveal())
	require.Equal(t, "postgres://me:hunter2-pass@db:5432/legwork?sslmode=disable", cfg.DatabaseURL.Reveal())

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%T"} {
		fmt.Fprintf(&out, verb+"\n", cfg)
		fmt.Fprintf(&out, verb+verb+"\n", cfg.LLMAPIKey, cfg.DatabaseURL)
		fmt.Fprintf(&out, verb+"\n", &cfg)
	}
	text, err := json.Marshal(cfg)
	require.NoError(t, err)
	out.Write(text)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("start", "config", cfg, "key", cfg.LLMAPIKey, "url", cfg.DatabaseURL, "any", slog.AnyValue(&cfg))
	}
	fmt.Fprintln(&out, cfg.Redacted())
	require.NotContains(t, out.String(), "hunter2")
	require.NotContains(t, out.String(), "68756e74657232", "in hex")
	require.Contains(t, out.String(), "postgres://me:xxxxx@db:5432/legwork?sslmode=disable")
	require.Contains(t, out.String(), "config.LLM_API_KEY=xxxxx")
}

func TestSecretsInErrors(t *testing.T) {
	t.Parallel()
	for _, set := range []string{
		"LLM_API_KEY=hunter2 hunter2",
		"DATABASE_URL=mysql://me:hunter2@db/x",
		"DATABASE_URL=hunter2",
		"LLM_BASE_URL=http://me:hunter2@model/v1",
		"LEGWORK_PG_MIRROR=http://me:hunter2@repo/maven",
	} {
		_, err := Load([]string{set}, "")
		require.ErrorContains(t, err, "xxxxx", set)
		require.NotContains(t, err.Error(), "hunter2", set)
	}
}

func TestDSNMasking(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                              "",
		"postgres://db/legwork":         "postgres://db/legwork",
		"postgres://me@db/legwork":      "postgres://me@db/legwork",
		"postgres://me:pw@db/legwork":   "postgres://me:xxxxx@db/legwork",
		"postgres:///legwork?host=/run": "postgres:///legwork?host=/run",
		"postgres://db/l?user=me&password=pw&x=1":   "postgres://db/l?password=xxxxx&user=me&x=1",
		"postgres://db/l?pass%77ord=a%26pw":         "postgres://db/l?password=xxxxx",
		"host=db password=a&b user=me":              "host=db password=xxxxx user=me",
		"postgres://db/l?sslpassword=pw":            "postgres://db/l?sslpassword=xxxxx",
		"postgres://me:p@w@db/l":                    "postgres://me:xxxxx@db/l",
		"postgres://me:1/pw@db/l":                   masked,
		"postgres://me:1?pw@db/l":                   masked,
		"postgres://me:1#pw@db/l":                   masked,
		"postgres://me:%zz@db/l":                    masked,
		"host=db user=me password=pw dbname=l":      "host=db user=me password=xxxxx dbname=l",
		`host=db password='p w\' x' dbname=l`:       "host=db password=xxxxx dbname=l",
		`host=db password='p w dbname=l`:            "host=db password=xxxxx",
		"host=db PASSWORD = pw sslpassword=x y=z":   "host=db PASSWORD = xxxxx sslpassword=xxxxx y=z",
		"host=db passfile=/home/me/.pgpass":         "host=db passfile=/home/me/.pgpass",
		"my secret words":                           masked,
		`host=db password=pw\ with\ spaces user=me`: "host=db password=xxxxx user=me",
	} {
		require.Equal(t, want, DSN(in).String(), in)
	}
	require.Empty(t, Secret("").String())
}

// FuzzDSN checks that no password of a connection string is shown, whatever stands around it and in it.
func FuzzDSN(f *testing.F) {
	f.Add("hunter2!hunter2", "db:5432/legwork?sslmode=disable", "host=db")
	f.Add("p/w?p#w@p%w", "db/x?password=y", `user='a b' port=1`)
	f.Add(`'quoted\\'`, "", "")
	f.Fuzz(func(t *testing.T, password, rest, pairs string) {
		if len(password) < 8 || strings.Contains("postgres://me:xxxxx@ sslpassword= "+rest+pairs+masked, password) {
			return
		}
		escaped := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password)
		for _, dsn := range []string{"postgres://me:" + password + "@" + rest, "postgres://me:" + url.QueryEscape(password) + "@" + rest, "postgres://db/x?password=" + url.QueryEscape(password),
			"host=db password='" + escaped + "'", "host=db password='" + escaped + "' " + pairs, "host=db sslpassword = '" + escaped + "'"} {
			if shown := DSN(dsn).String(); strings.Contains(shown, password) || strings.Contains(shown, url.QueryEscape(password)) || strings.Contains(shown, escaped) {
				t.Fatalf("%q is shown as %q", dsn, shown)
			}
		}
	})
}
