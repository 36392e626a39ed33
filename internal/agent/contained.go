package agent

import (
	"context"
	"errors"
	"time"

	"legwork/internal/goroutine"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/search"
)

// defect is the message to the model and the user after a panic in one call.
const defect = "Something went wrong inside the server; its log has the cause."

// contained calls f. If f or a goroutine that f started panics, the panic is logged and the run continues without the
// result of f. panicked reports whether f itself panicked.
func (b *Session) contained(ctx context.Context, f func(ctx context.Context) error) (panicked bool, err error) {
	ctx = goroutine.LogPanics(ctx, b.Log)
	err = goroutine.Catch(ctx, func() error { return f(ctx) })
	var p *goroutine.PanicError
	return errors.As(err, &p), err
}

// loadPage calls Env.Load. After a panic it returns a visit with an outcome that says that the page cannot be read.
func (b *Session) loadPage(ctx context.Context, at page.Address) (v research.Visit, err error) {
	panicked, err := b.contained(ctx, func(ctx context.Context) (err error) {
		v, err = b.Env.Load(ctx, at)
		return err
	})
	if panicked {
		return research.Visit{URL: at.URL, FinalURL: at.URL, Outcome: research.OutcomeType, FetchedAt: time.Now().UTC(), Message: defect}, nil
	}
	return v, err
}

// search calls Env.Search. After a panic it returns the same as for a search that no engine could answer.
func (b *Session) search(ctx context.Context, query string) (found search.Answer, err error) {
	panicked, err := b.contained(ctx, func(ctx context.Context) (err error) {
		found, err = b.Env.Search(ctx, query)
		return err
	})
	if panicked {
		asked := b.Env.Task.Options.SearchEngine
		return search.Answer{Asked: asked, Skipped: []search.Skipped{{Engine: asked, Reason: defect}}}, nil
	}
	return found, err
}
