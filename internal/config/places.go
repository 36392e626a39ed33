package config

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// formerHome is the default of LEGWORK_HOME in earlier versions. It started at the working folder.
const formerHome = ".legwork"

// formerLists is the folder of the default lists of domains in earlier versions. It started at the working folder.
const formerLists = "config"

// The file names of the default lists of domains.
const (
	allowedList    = "allowed-domains.txt"
	disallowedList = "disallowed-domains.txt"
)

// places fills in the default places of files. They do not depend on the working folder. What is in the former places
// still counts, because a server without its data, or without its lists of domains, would be a bad surprise of an update;
// Warnings names these places.
func (c *Config) places(environ map[string]string) {
	if c.Home == "" {
		c.Home = defaultHome(environ)
	}
	c.ArtifactDir = cmp.Or(c.ArtifactDir, filepath.Join(c.Home, "artifacts"))
	c.LogFile = withHost(cmp.Or(c.LogFile, filepath.Join(c.Home, "legwork.log")))
	c.AllowedDomainsFile = cmp.Or(c.AllowedDomainsFile, c.defaultList(allowedList))
	c.DisallowedDomainsFile = cmp.Or(c.DisallowedDomainsFile, c.defaultList(disallowedList))
}

// withHost replaces {host} in a path by this machine's name, so that containers with the same settings have a log file each.
func withHost(path string) string {
	const mark = "{host}"
	if !strings.Contains(path, mark) {
		return path
	}
	host, err := os.Hostname()
	if err != nil { // a machine without a name runs no second process with the same settings
		host = "localhost"
	}
	return strings.ReplaceAll(path, mark, host)
}

// defaultHome returns the folder for files if LEGWORK_HOME is not set: legwork in the user's folder for data (XDG Base
// Directory Specification), or formerHome if it exists or the user has no folder.
func defaultHome(environ map[string]string) string {
	if exists(formerHome) {
		return formerHome
	}
	if data := environ["XDG_DATA_HOME"]; filepath.IsAbs(data) { // the specification says to ignore relative paths
		return filepath.Join(data, "legwork")
	}
	if home := environ["HOME"]; filepath.IsAbs(home) {
		return filepath.Join(home, ".local", "share", "legwork")
	}
	return formerHome
}

// defaultList returns the path of a list of domains that is not set.
func (c *Config) defaultList(name string) string {
	if former := filepath.Join(formerLists, name); exists(former) {
		return former
	}
	return filepath.Join(c.Home, name)
}

// mayBeMissing reports whether a list of domains need not exist, because its path is a default one.
func (c *Config) mayBeMissing(path, name string) bool {
	return path == filepath.Join(c.Home, name) || path == filepath.Join(formerLists, name)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// placeWarnings returns sentences about files that are only found from the present working folder.
func (c Config) placeWarnings() []string {
	var out []string
	if !filepath.IsAbs(c.Home) {
		out = append(out, fmt.Sprintf("the data in %s is found only if legwork is started in this folder; set LEGWORK_HOME to an absolute path", c.Home))
	}
	for name, path := range map[string]string{"ALLOWED_DOMAINS_FILE": c.AllowedDomainsFile, "DISALLOWED_DOMAINS_FILE": c.DisallowedDomainsFile} {
		if !filepath.IsAbs(path) && hasEntries(path) {
			out = append(out, fmt.Sprintf("the domains in %s hold only if legwork is started in this folder; set %s to an absolute path", path, name))
		}
	}
	return out
}

// hasEntries reports whether a list of domains has lines besides comments. A list that cannot be read has none.
func hasEntries(path string) bool {
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			return true
		}
	}
	return false
}
