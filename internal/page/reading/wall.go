package reading

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"legwork/internal/page/reading/dom"
)

// wallText is the amount of visible text, in code points, up to which a page with a CAPTCHA or a password field is taken
// for nothing but that. A page with more to read is read.
const wallText = 1500

// captchaSigns are parts of class names, ids, field names and addresses that only CAPTCHA widgets have.
var captchaSigns = []string{"g-recaptcha", "h-captcha", "hcaptcha", "recaptcha/api", "cf-turnstile", "cf-challenge",
	"challenge-form", "challenge-platform", "captcha-form", "px-captcha"}

// signs notes what tells n as part of a CAPTCHA or a login form.
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

// wall names what stands in front of the content: "captcha", "login" or nothing.
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
