package weburl

import (
	"regexp"
	"strings"
)

// token finds the value of a query parameter whose name is common for credentials, in an address that stands anywhere in a text.
var token = regexp.MustCompile(`(?i)([?&;](?:[a-z0-9_.-]*(?:token|secret|password|passwd|signature|credential)|(?:[a-z0-9_.-]*[_-])?(?:api[_-]?key|key|sig|auth|session|sid|ticket|jwt|pwd)|code)=)[^&;#\s"'<>]+`)

// WithoutTokens replaces the values of query parameters with names that are common for credentials, such as access_token or sig,
// by xxxxx. The addresses may stand anywhere in the text.
func WithoutTokens(text string) string {
	if !strings.ContainsAny(text, "?&;") || !strings.Contains(text, "=") {
		return text
	}
	return token.ReplaceAllString(text, "${1}xxxxx")
}
