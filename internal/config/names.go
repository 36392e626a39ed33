package config

import (
	"reflect"
	"slices"
	"strings"
)

// ownPrefix begins the names of variables that only legwork uses.
const ownPrefix = "LEGWORK_"

// elsewhere are names of variables that are not settings of the server, although they begin with ownPrefix or
// resemble a setting. Tests, benchmarks and Go's crypto/x509 read them.
var elsewhere = []string{"LEGWORK_FAILPOINTS", "LEGWORK_IMAGE", "SSL_CERT_FILE"}

// reserved are prefixes of other variables that are not settings.
var reserved = []string{"LEGWORK_TEST_", "LEGWORK_BENCH_"}

// serviceSuffixes are parts of variable names that Kubernetes and Docker set in containers when a service is named legwork.
var serviceSuffixes = []string{"_SERVICE_", "_PORT_", "_ENV_"}

// misspelt reports variables that are probably misspelt settings: names with ownPrefix, and names that differ from a
// setting by a typing error. Otherwise DATABASE_ULR, for instance, would be ignored, and legwork would start its own
// database. The environment file is used by legwork alone, so names in the file that begin like a setting are
// reported, too.
func (v *validator) misspelt() {
	known := settings()
	for _, layer := range []struct {
		values map[string]string
		source string
		ours   bool
	}{{v.src.environ, "environment", false}, {v.src.file, v.src.path, true}} {
		for _, name := range sortedNames(layer.values) {
			if slices.Contains(known, name) || otherUse(name) {
				continue
			}
			near := nearest(name, known)
			if v.src.origin(near) != "default" {
				near = "" // the similar setting is set as well, so this name probably means something else
			}
			own := strings.HasPrefix(name, ownPrefix) || layer.ours && sharesPrefix(name, known)
			switch {
			case near != "":
				v.unknown(name, layer.source, "not be set: there is no such setting; "+near+" may be meant")
			case own:
				v.unknown(name, layer.source, "not be set: there is no such setting; .env.example lists all")
			}
		}
	}
}

// unknown reports a variable that is not a setting. It does not show the value, because the value may be a secret.
func (v *validator) unknown(name, source, must string) {
	v.problems = append(v.problems, Problem{Variable: name, Value: masked, Source: source, Must: must})
}

// settings returns the names of all variables.
func settings() []string {
	var names []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		names = append(names, variable(f))
	}
	return names
}

func otherUse(name string) bool {
	return slices.Contains(elsewhere, name) ||
		slices.ContainsFunc(reserved, func(p string) bool { return strings.HasPrefix(name, p) }) ||
		strings.HasPrefix(name, ownPrefix) && slices.ContainsFunc(serviceSuffixes, func(s string) bool { return strings.Contains(name+"_", s) })
}

// sharesPrefix reports whether the first two words of a name, such as TASK_MAX_, are also the first two words of a
// setting.
func sharesPrefix(name string, known []string) bool {
	words := strings.SplitN(name, "_", 3)
	if len(words) < 3 {
		return false
	}
	prefix := words[0] + "_" + words[1] + "_"
	return slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, prefix) })
}

// nearest returns the setting that differs from a name by one typing error, or by up to two if the name has at least
// 12 letters. It returns "" if there is no such setting.
func nearest(name string, known []string) string {
	best, most := "", 1
	if len(name) >= 12 {
		most = 2
	}
	if len(name) < 6 {
		return ""
	}
	for _, k := range known {
		if d := editDistance(name, k, most); d <= most {
			best, most = k, d-1
		}
	}
	return best
}

// editDistance returns how many letters must be inserted, removed, replaced or swapped with their neighbour to turn a
// into b (the restricted Damerau-Levenshtein distance). If the distance is more than most, it may return any number
// above most.
func editDistance(a, b string, most int) int {
	if len(a) > len(b)+most || len(b) > len(a)+most {
		return most + 1
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func sortedNames(values map[string]string) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
