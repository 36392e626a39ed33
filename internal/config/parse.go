package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/docker/go-units"
)

// Bytes is a size in bytes.
type Bytes int64

// String returns the size with a binary unit, in the form that the variable accepts.
func (b Bytes) String() string { return units.BytesSize(float64(b)) }

// parsers returns the parsers for types that the env library does not know. Their errors are not shown, because the `must` tag
// says what is allowed.
func parsers() map[reflect.Type]env.ParserFunc {
	return map[reflect.Type]env.ParserFunc{
		reflect.TypeFor[time.Duration]():  func(v string) (any, error) { return ParseDuration(v) },
		reflect.TypeFor[Bytes]():          func(v string) (any, error) { return parseBytes(v) },
		reflect.TypeFor[[]netip.Prefix](): func(v string) (any, error) { return parseNets(v) },
		reflect.TypeFor[Switch]():         func(v string) (any, error) { return parseSwitch(v) },
		reflect.TypeFor[[]Price]():        func(v string) (any, error) { return parsePrices(v) },
		reflect.TypeFor[[]string]():       func(v string) (any, error) { return list(v), nil },
	}
}

var bareSeconds = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

// ParseDuration parses a duration: a number of seconds ("10", "0.5") or Go's form ("10s", "1m30s"). It refuses negative
// durations.
func ParseDuration(s string) (time.Duration, error) {
	if bareSeconds.MatchString(s) {
		seconds, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return 0, fmt.Errorf("duration %q: %w", s, err)
		}
		if seconds > math.MaxInt64/float64(time.Second)/2 {
			return 0, fmt.Errorf("duration %q is too long", s)
		}
		return time.Duration(math.Round(seconds * float64(time.Second))), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("duration %q: %w", s, err)
	}
	if d < 0 {
		return 0, fmt.Errorf("duration %q is negative", s)
	}
	return d, nil
}

func parseBytes(s string) (Bytes, error) {
	n, err := units.RAMInBytes(s)
	if err != nil {
		return 0, fmt.Errorf("size %q: %w", s, err)
	}
	return Bytes(n), nil
}

// parseNets parses CIDR networks and single addresses. It refuses IPv4-mapped IPv6 addresses: the dialer compares unmapped
// addresses, so such a network would never match.
func parseNets(s string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, item := range list(s) {
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			addr, addrErr := netip.ParseAddr(item)
			if addrErr != nil {
				return nil, fmt.Errorf("network %q: %w", item, err)
			}
			if addr.Zone() != "" {
				return nil, fmt.Errorf("address %q has a zone", item)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if prefix.Addr().Is4In6() {
			return nil, fmt.Errorf("network %q: write IPv4 networks in IPv4 form", item)
		}
		out = append(out, prefix.Masked())
	}
	return out, nil
}

// Switch is a setting that is on or off.
type Switch bool

// String returns on or off.
func (s Switch) String() string {
	if s {
		return "on"
	}
	return "off"
}

// parseSwitch accepts on, off, yes, no, and the values of strconv.ParseBool.
func parseSwitch(s string) (Switch, error) {
	switch strings.ToLower(s) {
	case "on", "yes":
		return true, nil
	case "off", "no":
		return false, nil
	}
	b, err := strconv.ParseBool(s)
	return Switch(b), err
}

// list splits at commas, trims white space and drops empty items.
func list(s string) []string {
	var out []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out
}

// parseOrigin checks one origin (RFC 6454 §6.2). It returns the origin as browsers send it: scheme and host in lower case,
// without the scheme's default port.
func parseOrigin(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil {
		return "", errors.New("no URL")
	}
	scheme, port, host := u.Scheme, u.Port(), strings.ToLower(u.Hostname())
	if scheme != "http" && scheme != "https" {
		return "", errors.New("neither http nor https")
	}
	if u.User != nil || u.Path != "" || strings.ContainsAny(s, "?#*") || !validHost(host) || strings.HasSuffix(u.Host, ":") {
		return "", errors.New("not just scheme, host and port")
	}
	if port != "" && !validPort(port) {
		return "", errors.New("not on a port of 1..65535")
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return scheme + "://" + host, nil
	}
	return scheme + "://" + host + ":" + port, nil
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// hostName matches a DNS name (RFC 1123 §2.1). It allows underscores, because container networks use them.
var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)

// dottedDigits matches texts of digits and dots only. If netip cannot parse such a value, it is a mistyped IPv4
// address.
var dottedDigits = regexp.MustCompile(`^[0-9.]+$`)

func validHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	return len(s) <= 253 && hostName.MatchString(s) && !dottedDigits.MatchString(s)
}

// webURL accepts absolute URLs with one of the given schemes. All but mailto need a host.
func webURL(s string, schemes ...string) bool {
	u, err := url.Parse(s)
	if err != nil || u.User != nil || !printable(s, false) || !slices.Contains(schemes, u.Scheme) {
		return false
	}
	if u.Scheme == "mailto" {
		return strings.Contains(u.Opaque, "@")
	}
	return validHost(u.Hostname()) && (u.Port() == "" || validPort(u.Port()))
}

// printable reports whether s is printable ASCII, as header values must be (RFC 9110 §5.5).
func printable(s string, spaces bool) bool {
	for _, r := range s {
		if r < ' ' || r > '~' || r == ' ' && !spaces {
			return false
		}
	}
	return true
}

// show formats a value in the form that its variable accepts.
func show(v any) string {
	switch v := v.(type) {
	case []string:
		return strings.Join(v, ",")
	case []netip.Prefix:
		items := make([]string, 0, len(v))
		for _, p := range v {
			items = append(items, p.String())
		}
		return strings.Join(items, ",")
	case []Price:
		items := make([]string, 0, len(v))
		for _, p := range v {
			items = append(items, p.String())
		}
		return strings.Join(items, ",")
	case slog.Level:
		return strings.ToLower(v.String())
	default:
		return fmt.Sprint(v)
	}
}
