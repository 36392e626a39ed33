package reading

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/reading/dom"
)

// wallText is a length of visible text, in code points. A page with a CAPTCHA or a password field is treated as a CAPTCHA or login page if
// its text is not longer. A page with more text is read.
const wallText = 1500

// captchaSigns are parts of class names, ids, field names and addresses that occur only in CAPTCHA widgets.
var captchaSigns = []string{"g-recaptcha", "h-captcha", "hcaptcha", "recaptcha/api", "cf-turnstile", "cf-challenge",
	"challenge-form", "challenge-platform", "captcha-form", "px-captcha"}

// signs checks whether n belongs to a CAPTCHA or a login form, and records this in the scanner.
func (s *scanner) signs(n *html.Node) {
	switch n.DataAtom {
	case atom.Input:
		if strings.EqualFold(dom.Attr(n, "type"), "password") {
			s.password = true
		}
		if strings.Contains(strings.ToLower(dom.Attr(n, "name")), "captcha") {
			s.captcha = true
		}
	case atom.Div, atom.Form, atom.Script, atom.Iframe:
		marks := strings.ToLower(dom.Attr(n, "class") + " " + dom.Attr(n, "id") + " " + dom.Attr(n, "src") + " " + dom.Attr(n, "action"))
		for _, sign := range captchaSigns {
			if strings.Contains(marks, sign) {
				s.captcha = true
			}
		}
	}
}

// wall returns what replaces the content: "captcha", "login" or an empty string.
func (s *scanner) wall() string {
	switch {
	case s.words > wallText:
		return ""
	case s.captcha:
		return "captcha"
	case s.password:
		return "login"
	}
	return ""
}
