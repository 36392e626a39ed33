package logins

import (
	"errors"
	"html/template"
	"net/http"

	"legwork/internal/auth/login"
	"legwork/internal/httpapi/accounts"
	"legwork/internal/research"
)

// setupPolicy allows the page of ServeSetup to send its form to this server, and forbids everything else.
const setupPolicy = "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// setupPage is the data of the page of an invitation. The page shows the form, or the result of the form.
type setupPage struct {
	Token, Email, Name string
	Problems           []string // sentences about errors in the form
	Done               string   // name of the account of which the person is now a member; empty while the form is shown
}

// setupTemplate has neither scripts nor styles.
const setupTemplate = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>legwork: accept an invitation</title>
{{if .Done}}
<h1>You are in</h1>
<p>You are a member of the account {{.Done}}, and this browser is logged in. The API is at /api/; /api/openapi.yaml describes it.</p>
<p>For programs make an API key: <code>legwork keys create</code> on the server, or POST /api/keys.</p>
{{else}}
<h1>Accept an invitation to legwork</h1>
{{range .Problems}}<p role="alert"><strong>{{.}}</strong></p>{{end}}
<form method="post" action="/setup" autocomplete="on">
<input type="hidden" name="token" value="{{.Token}}">
<p><label>E-mail address<br><input type="email" name="email" value="{{.Email}}" maxlength="254" autocomplete="username" required autofocus></label></p>
<p><label>Name (others see it)<br><input type="text" name="name" value="{{.Name}}" maxlength="200" autocomplete="name"></label></p>
<p><label>Password, at least 12 characters<br><input type="password" name="password" minlength="12" maxlength="128" autocomplete="new-password" required></label></p>
<p>If you are a user of this server already, enter the address and password that you have.</p>
<p><button>Accept</button></p>
</form>
{{end}}
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
			return &accounts.Problem{Status: http.StatusBadRequest, Code: "bad_request", Message: "The form could not be read."}
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
	h.Set("Content-Security-Policy", setupPolicy)
	h.Set("Referrer-Policy", "same-origin") // no-referrer would make the browser send the form with Origin: null, which the server refuses as cross-site
	w.WriteHeader(status)
	return t.Execute(w, page)
}

// complaints returns sentences for the user about a refused form, and the status of the answer. It returns every other
// error unchanged in other.
func complaints(err error) (status int, sentences []string, other error) {
	var problem *accounts.Problem
	var invalid *research.ValidationError
	switch {
	case err == nil:
		return http.StatusOK, nil, nil
	case errors.As(err, &problem):
		return problem.Status, []string{problem.Message}, nil
	case errors.As(err, &invalid):
		for _, f := range invalid.Fields {
			sentences = append(sentences, f.Field+" "+f.Message)
		}
		return http.StatusUnprocessableEntity, sentences, nil
	}
	return 0, nil, err
}
