package wire

import (
	"legwork/api"
	"legwork/internal/access"
	"legwork/internal/research"
	"legwork/internal/weburl"
)

// TaskFor returns a task as one caller may see it. Who did not submit it sees its seed URL without the values of parameters that
// are common for credentials, and so the addresses of its citations. Without access control nothing is masked.
func TaskFor(t research.Task, p access.Principal) api.Task {
	out := Task(t)
	if p.Kind == access.ByOff || submitted(t.By, p) || out.SeedURL == nil {
		return out
	}
	masked := weburl.WithoutTokens(*out.SeedURL)
	if masked == *out.SeedURL { // then other addresses hold no secret of the person who submitted the task
		return out
	}
	out.SeedURL = &masked
	for i := range out.Citations {
		out.Citations[i].URL = weburl.WithoutTokens(out.Citations[i].URL)
	}
	return out
}

// submitted reports whether a principal is who submitted a task: the same user, or the same key.
func submitted(by research.Author, p access.Principal) bool {
	if by.UserID != nil {
		return p.UserID != nil && *p.UserID == *by.UserID
	}
	return by.KeyID != "" && by.KeyID == p.KeyID
}
