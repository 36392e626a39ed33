package wire

import (
	"bytes"
	stdjson "encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/net/idna"
)

// hostname matches a host name in ASCII: labels of letters, digits and hyphens. It allows underscores, because some sites have
// them in their names.
var hostname = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$`)

// domains reads a list of host names, each with an optional leading "*.". It converts them to lower case and ASCII, so that they
// can be compared with the hosts of URLs. It never returns nil.
func (o *object) domains(name string) []string {
	out := []string{}
	v := o.get(name)
	if v == nil {
		return out
	}
	var items []jsontext.Value
	if v.Kind() != '[' || json.Unmarshal(v, &items) != nil {
		o.bad.Add(name, "must be a list of host names")
		return out
	}
	if len(items) > MaxDomains {
		o.bad.Add(name, "must have at most %d entries", MaxDomains)
		return out
	}
	for i, item := range items {
		s, ok := asString(item)
		if ok {
			s, ok = domain(s)
		}
		if !ok {
			o.bad.Add(name, "entry %d must be a host name such as example.com or *.example.com, without scheme, port or path", i+1)
			return out
		}
		out = append(out, s)
	}
	return out
}

func domain(s string) (string, bool) {
	host, wild := strings.CutPrefix(s, "*.")
	ascii, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(false)).ToASCII(strings.TrimSuffix(host, "."))
	if err != nil || len(ascii) > 253 || !hostname.MatchString(ascii) {
		return "", false
	}
	if wild {
		ascii = "*." + ascii
	}
	return ascii, true
}

// metadata reads the caller's own JSON object. Numbers keep their digits (json.Number). It never returns nil.
func (o *object) metadata(name string) map[string]any {
	out := map[string]any{}
	v := o.get(name)
	switch {
	case v == nil:
	case v.Kind() != '{':
		o.bad.Add(name, "must be an object")
	case len(v) > MaxMetadata:
		o.bad.Add(name, "must have at most %d bytes", MaxMetadata)
	default:
		d := stdjson.NewDecoder(bytes.NewReader(v))
		d.UseNumber()
		if err := d.Decode(&out); err != nil {
			o.bad.Add(name, "must be an object")
			return map[string]any{}
		}
		if problem := unstorable(out, maxMetaLevels+1); problem != "" {
			o.bad.Add(name, "%s", problem)
		}
	}
	return out
}

// unstorable returns why the database or a client could not process v, or "" when they can.
func unstorable(v any, levels int) string {
	if levels == 0 {
		return "must be at most " + strconv.Itoa(maxMetaLevels) + " levels deep"
	}
	switch x := v.(type) {
	case string:
		if strings.ContainsRune(x, 0) {
			return "must not contain the NUL character"
		}
	case stdjson.Number:
		if _, err := x.Float64(); err != nil {
			return "must not contain a number beyond the range of a double"
		}
	case []any:
		for _, e := range x {
			if p := unstorable(e, levels-1); p != "" {
				return p
			}
		}
	case map[string]any:
		for k, e := range x {
			if p := unstorable(k, levels); p != "" {
				return p
			}
			if p := unstorable(e, levels-1); p != "" {
				return p
			}
		}
	}
	return ""
}
