package runenv

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"legwork/internal/agent"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/store"
)

// recall reads a page from a snapshot of the account, if the snapshot is not older than PAGE_TTL and the task may open
// the page. With PAGE_TTL 0, or if the task asks for fresh pages, it uses no snapshot. If anyAge is true, the snapshot
// may be of any age. Pages with addresses under .invalid (RFC 6761 §6.4) exist only in libraries, so for them it always
// uses a snapshot, of any age.
func (r *Run) recall(ctx context.Context, at page.Address, anyAge bool) (research.Visit, bool, error) {
	u, err := page.ParseURL(at.URL)
	if err != nil {
		return research.Visit{}, false, nil //nolint:nilerr // a load of the page reports the error
	}
	maxAge, policy := r.cfg.PageTTL, r.scope.Policy(at)
	switch {
	case strings.HasSuffix(u.Hostname(), ".invalid"):
		maxAge = store.AnyAge
	case r.cfg.Task.Options.Fresh || maxAge <= 0:
		return research.Visit{}, false, nil
	case anyAge:
		maxAge = store.AnyAge
	}
	v, err := store.ReadUntilAvailable(ctx, func() (research.Visit, error) {
		return r.cfg.Store.For(r.cfg.Task.AccountID).StoredVisit(ctx, maxAge, at.URL, u.String())
	})
	switch {
	case errors.Is(err, research.ErrNotFound):
		return v, false, nil
	case err != nil:
		return v, false, err
	}
	final, err := page.ParseURL(v.FinalURL)
	if err != nil || policy.Refuse(u.Host) != "" || policy.Refuse(final.Host) != "" {
		return research.Visit{}, false, nil //nolint:nilerr // a load of the page reports the error
	}
	r.cfg.Metrics.PageOpened(string(v.Outcome), "snapshot", 0, 0)
	return v, true, nil
}

// storeTime is the longest time in which the database may store one page.
const storeTime = 10 * time.Second

// keep stores the snapshot of a large page. While the database is unavailable, it tries again.
func (r *Run) keep(ctx context.Context, p *research.Page) error {
	return store.UntilAvailable(ctx, func() error { return r.cfg.Store.StorePage(ctx, p, storeTime) })
}

// keepLinks decides whether the links of a page are stored with the visit. Later tasks that read the page from its
// snapshot need them. If PAGE_TTL is 0, no task reads snapshots, so the links are not stored.
func (r *Run) keepLinks(v *research.Visit) {
	switch {
	case v == nil || v.Page == nil:
	case r.cfg.PageTTL <= 0:
		v.Links = nil
	case v.Links == nil:
		v.Links = []research.Link{}
	}
}

// shooter returns the function by which the agent takes screenshots. It returns nil when pages are read without a browser.
func (r *Run) shooter() func(ctx context.Context, name string, q page.ShotRequest) (agent.Picture, error) {
	if s, ok := r.web.(interface{ CanShoot() bool }); ok && !s.CanShoot() || r.cfg.KeepPicture == nil {
		return nil
	}
	return r.shoot
}

// shoot takes a screenshot and writes its file. The caller records the file with a step afterwards. Several goroutines may
// call shoot at once. After a *page.ShotError the run continues without the screenshot.
func (r *Run) shoot(ctx context.Context, name string, q page.ShotRequest) (agent.Picture, error) {
	shot, err := r.web.Shoot(ctx, q)
	var problem *page.ShotError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return agent.Picture{}, context.Cause(ctx)
	case errors.As(err, &problem):
		return agent.Picture{}, problem
	case errors.Is(err, page.ErrNoBrowser):
		r.log.WarnContext(ctx, "no screenshot", "url", q.URL, "error", err)
		return agent.Picture{}, &page.ShotError{Message: "No browser is available, so no screenshot can be taken."}
	default:
		r.log.WarnContext(ctx, "no screenshot", "url", q.URL, "error", err)
		return agent.Picture{}, &page.ShotError{Message: "No screenshot could be taken; the server's log says why."}
	}
	// The name contains the epoch, so that a stale run cannot overwrite a file that a newer run has recorded.
	file := research.Artifact{Name: fmt.Sprintf("%s-%d.png", name, r.cfg.Epoch), Kind: research.KindScreenshot, ContentType: "image/png", Bytes: int64(len(shot.PNG))}
	if err := r.cfg.KeepPicture(ctx, &file, shot.PNG); err != nil {
		return agent.Picture{}, err
	}
	return agent.Picture{File: file, URL: shot.URL, Title: shot.Title, Width: shot.Width, Height: shot.Height, Shown: shot.Shown}, nil
}
