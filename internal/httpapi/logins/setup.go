package logins

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html/template"
	"net/http"

	"legwork/internal/auth/login"
	"legwork/internal/httpapi/problem"
	"legwork/internal/research"
)

// setupStyle is the only style of the page of an invitation. It follows the light or dark scheme of the browser.
const setupStyle = `
:root { color-scheme: light dark; --text: #1c1e21; --soft: #5c6370; --page: #f6f6f3; --card: #fff; --line: #d5d7dc; --main: #1d5fbf; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8e8e6; --soft: #a2a8b3; --page: #16181c; --card: #1f2227; --line: #3a3f48; --main: #7fb0ff; --bad: #ff9c94 }
}
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif }
main { box-sizing: border-box; max-width: 26rem; margin: 8vh auto 2rem; padding: 2rem; background: var(--card); border: 1px solid var(--line); border-radius: 12px }
h1 { margin: 0 0 1.25rem; font-size: 1.35rem; line-height: 1.3 }
label { display: block; font-weight: 600 }
input { box-sizing: border-box; width: 100%; margin-top: .25rem; padding: .6rem .7rem; font: inherit; color: inherit; background: var(--page);
  border: 1px solid var(--line); border-radius: 8px }
input:focus-visible, button:focus-visible { outline: 2px solid var(--main); outline-offset: 1px }
.hint { color: var(--soft); font-size: .9rem }
[role=alert] { padding: .6rem .8rem; color: var(--bad); border: 1px solid currentColor; border-radius: 8px }
button { width: 100%; padding: .7rem; font: inherit; font-weight: 600; color: var(--card); background: var(--main); border: 0; border-radius: 8px; cursor: pointer }
code { overflow-wrap: anywhere }
@media (max-width: 30rem) { main { margin: 0; min-height: 100vh; border: 0; border-radius: 0 } }
`

// setupPolicy returns the Content-Security-Policy of the page of an invitation. It allows the page to use setupStyle, named by
// its hash (CSP Level 3, hash-source), and to send its form to this server. It forbids everything else.
func setupPolicy() string {
	hash := sha256.Sum256([]byte(setupStyle))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}

// setupPage is the data of the page of an invitation. The page shows the form, or the result of the form.
type setupPage struct {
	Token, Email, Name string
	Problems           []string // sentences about errors in the form
	Done               string   // name of the account of which the person is now a member; empty while the form is shown
	Style              template.CSS
}

// setupTemplate has no scripts.
const setupTemplate = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>legwork: accept an invitation</title>
<style>{{.Style}}</style>
<main>
{{if .Done}}
<h1>You are in</h1>
<p>You are a member of the account {{.Done}}, and this browser is logged in. The API is at /api/; /api/openapi.yaml describes it.</p>
<p class="hint">For programs make an API key: <code>legwork keys create</code> on the server, or POST /api/keys.</p>
{{else}}
<h1>Accept an invitation to legwork</h1>
{{range .Problems}}<p role="alert"><strong>{{.}}</strong></p>{{end}}
<form method="post" action="/setup" autocomplete="on">
<input type="hidden" name="token" value="{{.Token}}">
<p><label>E-mail address <input type="email" name="email" value="{{.Email}}" maxlength="254" autocomplete="username" required autofocus></label></p>
<p><label>Name (others see it) <input type="text" name="name" value="{{.Name}}" maxlength="200" autocomplete="name"></label></p>
<p><label>Password, at least 12 characters <input type="password" name="password" minlength="12" maxlength="128" autocomplete="new-password" required></label></p>
<p class="hint">If you are a user of this server already, enter the address and password that you have.</p>
<p><button>Accept</button></p>
</form>
{{end}}
</main>
</html>
`

// ServeSetup serves the page that the link of an invitation opens. The page shows a form. When the form is sent,
// ServeSetup accepts the invitation. The page has no scripts.
func (o *Operations) ServeSetup(w http.ResponseWriter, r *http.Request) error {
	if o.Off {
		return errNoUsers
	}
	page := setupPage{Token: r.URL.Query().Get("token")}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		if err := r.ParseForm(); err != nil {
			if large := new(http.MaxBytesError); errors.As(err, &large) {
				return err
			}
			return &problem.Problem{Status: http.StatusBadRequest, Code: "bad_request", Message: "The form could not be read."}
		}
		form := r.PostForm
		page = setupPage{Token: form.Get("token"), Email: form.Get("email"), Name: form.Get("name")}
		started, err := o.accept(r.Context(), login.Acceptance{Token: page.Token, Email: page.Email, Name: page.Name, Password: form.Get("password")})
		if status, page.Problems, err = complaints(err); err != nil {
			return err
		}
		if len(page.Problems) == 0 {
			http.SetCookie(w, o.sessionCookie(r.Context(), started))
			page = setupPage{Done: started.AccountID}
		}
	}
	t, err := template.New("setup").Parse(setupTemplate)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", setupPolicy())
	h.Set("Referrer-Policy", "same-origin") // no-referrer would make the browser send the form with Origin: null, which the server refuses as cross-site
	page.Style = setupStyle
	w.WriteHeader(status)
	return t.Execute(w, page)
}

// complaints returns sentences for the user about a refused form, and the status of the answer. It returns every other
// error unchanged in other.
func complaints(err error) (status int, sentences []string, other error) {
	var shown *problem.Problem
	var invalid *research.ValidationError
	switch {
	case err == nil:
		return http.StatusOK, nil, nil
	case errors.As(err, &shown):
		return shown.Status, []string{shown.Message}, nil
	case errors.As(err, &invalid):
		for _, f := range invalid.Fields {
			sentences = append(sentences, f.Field+" "+f.Message)
		}
		return http.StatusUnprocessableEntity, sentences, nil
	}
	return 0, nil, err
}
