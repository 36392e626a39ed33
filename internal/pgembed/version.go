package pgembed

import (
	"fmt"
	"regexp"
	"strconv"
)

// The oldest major version that legwork accepts, and the release that is downloaded if none is found.
const (
	minMajor        = 14
	downloadVersion = "17.11"
)

// Version is a PostgreSQL version. Since version 10 the first number is the major version, which must match that of a data folder
// (https://www.postgresql.org/support/versioning/).
type Version struct {
	Major, Minor int
}

// String returns the version as "15.20".
func (v Version) String() string { return fmt.Sprintf("%d.%d", v.Major, v.Minor) }

// versionLine matches the output of `postgres --version`: "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)". Unreleased versions have
// numbers such as "18beta1" or "19devel".
var versionLine = regexp.MustCompile(`^postgres \([^()]{1,64}\) (\d{1,3})(?:\.(\d{1,4}))?(?:\.\d{1,4})?(?:devel|beta\d{1,2}|rc\d{1,2})?(?:\s|$)`)

// ParseVersion parses the output of `postgres --version`.
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
