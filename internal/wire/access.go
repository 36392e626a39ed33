package wire

import (
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"legwork/api"
	"legwork/internal/access"
)

// These are bounds that the contract sets for keys.
const (
	maxName = 200 // greatest length in code points
	maxNets = 50
)

// NewKey is a request for an API key.
type NewKey struct {
	Name        string
	Scopes      []access.Scope
	AllowedNets []netip.Prefix
	ExpiresAt   *time.Time
}

// DecodeNewKey decodes a request for an API key. The key must expire after now. Its error is a *research.ValidationError with
// every invalid field.
func DecodeNewKey(body []byte, now time.Time) (NewKey, error) {
	o, err := parse(body, []string{"name", "scopes", "allowedNets", "expiresAt"})
	if err != nil {
		return NewKey{}, err
	}
	in := NewKey{Name: o.name("name"), Scopes: o.scopes(), AllowedNets: o.nets("allowedNets"), ExpiresAt: o.future("expiresAt", now)}
	return in, o.bad.Err()
}

// DecodeRole decodes a request that changes a member's role.
func DecodeRole(body []byte) (access.Role, error) {
	o, err := parse(body, []string{"role"})
	if err != nil {
		return "", err
	}
	role := choice(o, "role", access.Roles, "")
	if o.get("role") == nil {
		o.bad.Add("role", "is required; name one of %s", join(access.Roles))
	}
	return role, o.bad.Err()
}

// name reads a required name: a text on one line that is not blank.
func (o *object) name(field string) string {
	s, ok := o.text(field)
	switch {
	case o.get(field) == nil:
		o.bad.Add(field, "is required")
	case ok && (strings.TrimSpace(s) == "" || utf8.RuneCountInString(s) > maxName || strings.ContainsFunc(s, unicode.IsControl)):
		o.bad.Add(field, "must have 1 to %d characters, not all blank, on one line", maxName)
	}
	return s
}

// texts reads a list of strings. It returns false when the field is absent or invalid.
func (o *object) texts(field string, most int) ([]string, bool) {
	v := o.get(field)
	if v == nil {
		return nil, false
	}
	var items []jsontext.Value
	if v.Kind() != '[' || json.Unmarshal(v, &items) != nil || len(items) > most {
		o.bad.Add(field, "must be a list of at most %d strings", most)
		return nil, false
	}
	out := make([]string, len(items))
	for i, item := range items {
		s, ok := asString(item)
		if !ok {
			o.bad.Add(field, "must be a list of strings")
			return nil, false
		}
		out[i] = s
	}
	return out, true
}

// scopes reads the required list of scopes. It returns each scope once.
func (o *object) scopes() []access.Scope {
	names, ok := o.texts("scopes", len(access.Scopes))
	switch {
	case o.get("scopes") == nil:
		o.bad.Add("scopes", "is required; name one or more of %s", join(access.Scopes))
		return nil
	case !ok:
		return nil
	}
	var out []access.Scope
	for _, name := range names {
		scope := access.Scope(name)
		if !slices.Contains(access.Scopes, scope) {
			o.bad.Add("scopes", "must be a list of %s", join(access.Scopes))
			return nil
		}
		if !slices.Contains(out, scope) {
			out = append(out, scope)
		}
	}
	if len(out) == 0 {
		o.bad.Add("scopes", "must name at least one of %s", join(access.Scopes))
	}
	return out
}

// nets reads a list of networks. It treats a single address as a network of one address.
func (o *object) nets(field string) []netip.Prefix {
	names, ok := o.texts(field, maxNets)
	if !ok {
		return nil
	}
	out := make([]netip.Prefix, 0, len(names))
	for _, name := range names {
		net, err := netip.ParsePrefix(name)
		if err != nil {
			var addr netip.Addr
			if addr, err = netip.ParseAddr(name); err == nil {
				net = netip.PrefixFrom(addr, addr.BitLen())
			}
		}
		if err != nil || net.Addr().Is4In6() || net.Addr().Zone() != "" {
			o.bad.Add(field, "must be a list of networks like 10.0.0.0/8 or 2001:db8::/32, or of addresses")
			return nil
		}
		out = append(out, net.Masked())
	}
	return out
}

// future reads a time after now. It returns nil when the field is absent or invalid.
func (o *object) future(field string, now time.Time) *time.Time {
	s, ok := o.text(field)
	if !ok {
		return nil
	}
	t, err := api.ParseTime(s)
	if err != nil || !t.After(now) || t.Year() > 9999 {
		o.bad.Add(field, "must be an RFC 3339 time in the future, such as %s", now.AddDate(1, 0, 0).UTC().Format(time.RFC3339))
		return nil
	}
	return &t
}
