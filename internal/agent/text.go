package agent

import (
	neturl "net/url"
	"slices"
	"strings"

	"legwork/internal/page"
)

// HostDomain returns the registrable domain of an address. It is empty if the text is not an address.
func HostDomain(raw string) string {
	u, err := neturl.Parse(raw)
	if err != nil {
		return ""
	}
	return page.Domain(u.Host)
}

// JoinWords joins at most five words for display, with commas.
func JoinWords(words []string) string {
	if len(words) > 5 {
		words = slices.Concat(words[:5], []string{"…"})
	}
	return strings.Join(words, ", ")
}
