package logins

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"regexp"
	"strings"
	"testing"
)

// TestStyleOfTheSetupPage checks that the policy of the page allows the style that the page has, and that the page has no script.
func TestStyleOfTheSetupPage(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	page := setupPage{Token: "t", Email: "<script>", Problems: []string{"<script>alert(1)</script>"}, Style: setupStyle}
	if err := template.Must(template.New("setup").Parse(setupTemplate)).Execute(&b, page); err != nil {
		t.Fatal(err)
	}
	styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(b.String(), -1)
	if len(styles) != 1 {
		t.Fatalf("%d styles", len(styles))
	}
	hash := sha256.Sum256([]byte(styles[0][1]))
	if want := "'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"; !strings.Contains(setupPolicy(), want) {
		t.Errorf("the policy %q does not allow the style: want %s", setupPolicy(), want)
	}
	for _, part := range []string{"<script", " style=", "javascript:"} {
		if strings.Contains(strings.ToLower(b.String()), part) {
			t.Errorf("the page has %q", part)
		}
	}
}
