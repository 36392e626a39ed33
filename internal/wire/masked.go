package wire

import (
	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/research"
	"legwork/internal/weburl"
)

// TaskFor returns a task as one caller may see it. A caller who did not submit the task sees its seed URL without the
// values of parameters that commonly carry credentials. The same values are masked in the addresses of its citations.
// Without access control nothing is masked.
func TaskFor(t research.Task, p access.Principal) api.Task {
	out := Task(t)
	if p.Kind == access.ByOff || submitted(t.By, p) || out.SeedURL == nil {
		return out
	}
	masked := weburl.WithoutTokens(*out.SeedURL)
	if masked == *out.SeedURL { // the other addresses hold no secret of the person who submitted the task, either
		return out
	}
	out.SeedURL = &masked
	for i := range out.Citations {
		out.Citations[i].URL = weburl.WithoutTokens(out.Citations[i].URL)
	}
	return out
}

// submitted reports whether a principal submitted a task. The principal did if it has the same user or the same key as
// the author.
func submitted(by research.Author, p access.Principal) bool {
	if by.UserID != nil {
		return p.UserID != nil && *p.UserID == *by.UserID
	}
	return by.KeyID != "" && by.KeyID == p.KeyID
}
