package weburl

import (
	"regexp"
	"strings"
)

// token finds the value of a parameter if the parameter's name is common for credentials. The address may be anywhere in a text.
var token = regexp.MustCompile(`(?i)([?&;#](?:[a-z0-9_.-]*(?:token|secret|password|passwd|signature|credential)|(?:[a-z0-9_.-]*[_-])?(?:api[_-]?key|key|sig|auth|session|sid|ticket|jwt|pwd)|code)=)[^&;#\s"'<>]+`)

// WithoutTokens finds the addresses in a text. If a parameter of the query or of the fragment has a name that is common for credentials, such as access_token or sig,
// its value is replaced by xxxxx.
func WithoutTokens(text string) string {
	if !strings.ContainsAny(text, "?&;#") || !strings.Contains(text, "=") {
		return text
	}
	return token.ReplaceAllString(text, "${1}xxxxx")
}
