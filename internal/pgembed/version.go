package pgembed

import (
	"fmt"
	"regexp"
	"strconv"
)

// Major versions: the oldest that legwork accepts, and the release that is downloaded when none is found.
const (
	minMajor        = 14
	downloadVersion = "17.11"
)

// Version is a PostgreSQL version. Since version 10 the first number is the major one, which decides whether a data
// folder fits (https://www.postgresql.org/support/versioning/).
type Version struct {
	Major, Minor int
}

// String gives "15.20".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// versionLine is the output of `postgres --version`: "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)", or with
// "18beta1" and "19devel" for versions that are not released yet.
var versionLine = regexp.MustCompile(`^postgres \([^()]{1,64}\) (\d{1,3})(?:\.(\d{1,4}))?(?:\.\d{1,4})?(?:devel|beta\d{1,2}|rc\d{1,2})?(?:\s|$)`)

// ParseVersion reads the output of `postgres --version`.
func ParseVersion(output string) (Version, error) {
	m := versionLine.FindStringSubmatch(output)
	if m == nil {
		return Version{}, fmt.Errorf("%.80q is not the version line of a PostgreSQL server", output)
	}
	var v Version
	v.Major, _ = strconv.Atoi(m[1]) // at most three digits
	if m[2] != "" {
		v.Minor, _ = strconv.Atoi(m[2])
	}
	return v, nil
}
