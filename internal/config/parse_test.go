package config

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"0": 0, "10": 10 * time.Second, "0.5": 500 * time.Millisecond, "1.0000000001": time.Second, "007": 7 * time.Second,
		"10s": 10 * time.Second, "1m30s": 90 * time.Second, "0.5s": 500 * time.Millisecond, "250ms": 250 * time.Millisecond, "1h": time.Hour,
	} {
		got, err := ParseDuration(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for _, in := range []string{"", " ", "s", "-1", "-1s", "+-1", "1e3", ".5.", "NaN", "Inf", "0x10", "1 s", "1d", "1_000", "99999999999999999999", "9999999999999h", "10,5"} {
		_, err := ParseDuration(in)
		require.Error(t, err, in)
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"", "10", "0.5", "10s", "-1s", "1e9", "9223372036.854775807", "99999999999999999999", "1h1m1s1ms1us1ns"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDuration(s)
		if err != nil {
			require.Zero(t, d)
			return
		}
		require.GreaterOrEqual(t, d, time.Duration(0))
		again, err := ParseDuration(d.String())
		require.NoError(t, err)
		require.Equal(t, d, again)
	})
}

// FuzzLoad passes hostile values to the variables with parsers of their own. Load must never panic. It returns
// an error, or a configuration that loads again from its own printed values.
func FuzzLoad(f *testing.F) {
	f.Add("http://localhost:3000,https://[::1]:80", "127.0.0.0/8,::1", "10MiB", "host=db password='x", "debug")
	f.Add("*", "10.0.0.0/33", "-1", "postgres://u:p@/x?password=y", "info+2")
	f.Add("http://%zz", "fe80::1%1", "1e99", "postgres://[::1", "")
	f.Fuzz(func(t *testing.T, origins, nets, size, dsn, level string) {
		cfg, err := Load([]string{"CORS_ORIGINS=" + origins, "FETCH_ALLOW_NETS=" + nets, "DATABASE_URL=" + dsn, "LOG_LEVEL=" + level, "FETCH_MAX_BYTES=" + size}, "")
		if err != nil {
			require.NotEmpty(t, err.Error())
			return
		}
		var environ []string
		for _, s := range cfg.Redacted() {
			if s.Variable != "DATABASE_URL" && s.Variable != "FETCH_MAX_BYTES" { // shown with a masked password, or rounded
				environ = append(environ, s.Variable+"="+s.Value)
			}
		}
		again, err := Load(environ, "")
		require.NoError(t, err)
		require.Equal(t, cfg.CORSOrigins, again.CORSOrigins)
		require.Equal(t, cfg.FetchAllowNets, again.FetchAllowNets)
	})
}
