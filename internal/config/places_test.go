package config

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDefaultPlaces checks that the default places of files do not depend on the working folder, except where an earlier
// version has left files.
func TestDefaultPlaces(t *testing.T) {
	for name, tc := range map[string]struct {
		environ  []string
		made     []string // files and, with a final slash, folders in the working folder
		home     string
		lists    string
		warnings int
	}{
		"the user's folder":         {environ: []string{"HOME=/home/ann"}, home: "/home/ann/.local/share/legwork"},
		"the XDG folder":            {environ: []string{"HOME=/home/ann", "XDG_DATA_HOME=/data"}, home: "/data/legwork"},
		"a relative XDG folder":     {environ: []string{"HOME=/home/ann", "XDG_DATA_HOME=data"}, home: "/home/ann/.local/share/legwork"},
		"no user":                   {home: ".legwork", warnings: 1},
		"data of an earlier one":    {environ: []string{"HOME=/home/ann"}, made: []string{".legwork/"}, home: ".legwork", warnings: 1},
		"a set folder":              {environ: []string{"LEGWORK_HOME=/srv", "HOME=/home/ann"}, made: []string{".legwork/"}, home: "/srv"},
		"lists of an earlier one":   {environ: []string{"HOME=/home/ann"}, made: []string{"config/allowed-domains.txt", "config/disallowed-domains.txt"}, home: "/home/ann/.local/share/legwork", lists: "config", warnings: 2},
		"set lists that are former": {environ: []string{"HOME=/home/ann", "ALLOWED_DOMAINS_FILE=config/allowed-domains.txt", "DISALLOWED_DOMAINS_FILE=config/disallowed-domains.txt"}, home: "/home/ann/.local/share/legwork", lists: "config"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for _, path := range tc.made {
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
				if filepath.Base(path)+"/" != path {
					require.NoError(t, os.WriteFile(path, []byte("# comment\n\nexample.org\n"), 0o600))
				}
			}
			cfg := load(t, tc.environ...)
			lists := tc.lists
			if lists == "" {
				lists = tc.home
			}
			require.Equal(t, tc.home, cfg.Home)
			require.Equal(t, filepath.Join(tc.home, "artifacts"), cfg.ArtifactDir)
			require.Equal(t, filepath.Join(tc.home, "legwork.log"), cfg.LogFile)
			require.Equal(t, filepath.Join(lists, "allowed-domains.txt"), cfg.AllowedDomainsFile)
			require.Equal(t, filepath.Join(lists, "disallowed-domains.txt"), cfg.DisallowedDomainsFile)
			require.Len(t, cfg.Warnings(), tc.warnings, cfg.Warnings())
		})
	}
}

// TestListsInAFolder checks that a folder in the place of a default list is an error, because it would forbid nothing.
func TestListsInAFolder(t *testing.T) {
	home := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(home, "allowed-domains.txt"), 0o700))
	require.Equal(t, "ALLOWED_DOMAINS_FILE", problems(t, "LEGWORK_HOME="+home)[0].Variable)
}

func TestSecretKeyOrFile(t *testing.T) {
	t.Parallel()
	key := "LEGWORK_SECRET_KEY=0123456789abcdef0123456789abcdef"
	require.Equal(t, "/run/key", load(t, "LEGWORK_SECRET_KEY_FILE=/run/key").SecretKeyFile)
	require.Equal(t, "LEGWORK_SECRET_KEY_FILE", problems(t, key, "LEGWORK_SECRET_KEY_FILE=/run/key")[0].Variable)
}

// TestLogFileOfThisHost checks that {host} makes the log files of containers with the same settings differ.
func TestLogFileOfThisHost(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	require.NoError(t, err)
	require.Equal(t, "/logs/legwork-"+host+".log", load(t, "LOG_FILE=/logs/legwork-{host}.log").LogFile)
}
