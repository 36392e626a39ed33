package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"legwork/internal/agent"
	"legwork/internal/failpoint"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/store"
)

// shooter is how the agent takes pictures; nil where pages are read without a browser.
func (c *run) shooter() func(ctx context.Context, name string, r page.ShotRequest) (agent.Picture, error) {
	if s, ok := c.web.(interface{ CanShoot() bool }); ok && !s.CanShoot() {
		return nil
	}
	return c.shoot
}

// shoot takes a picture and writes its file; the step that records it follows. It may run on several goroutines at once.
// What is wrong with a picture, its file included, costs the picture and not the run.
func (c *run) shoot(ctx context.Context, name string, r page.ShotRequest) (agent.Picture, error) {
	shot, err := c.web.Shoot(ctx, r)
	var problem *page.ShotError
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return agent.Picture{}, context.Cause(ctx)
	case errors.As(err, &problem):
		return agent.Picture{}, problem
	case errors.Is(err, page.ErrNoBrowser):
		c.runner.log.WarnContext(ctx, "no screenshot", "task", c.task.ID, "url", r.URL, "error", err)
		return agent.Picture{}, &page.ShotError{Message: "No browser is available, so no screenshot can be taken."}
	default:
		c.runner.log.WarnContext(ctx, "no screenshot", "task", c.task.ID, "url", r.URL, "error", err)
		return agent.Picture{}, &page.ShotError{Message: "No screenshot could be taken; the server's log says why."}
	}
	// The epoch in the name keeps a run that was paused, and that others take for dead, from replacing what its successor
	// has recorded.
	file := research.Artifact{Name: fmt.Sprintf("%s-%d.png", name, c.epoch), Kind: research.KindScreenshot, ContentType: "image/png", Bytes: int64(len(shot.PNG))}
	if err := c.keepPicture(ctx, file, shot.PNG); err != nil {
		return agent.Picture{}, err
	}
	return agent.Picture{File: file, URL: shot.URL, Title: shot.Title, Width: shot.Width, Height: shot.Height, QuoteInView: shot.QuoteInView}, nil
}

// keepPicture writes a picture's file while the run holds its task. A delete in this process waits for it and then finds
// the file; one elsewhere purges again when the lease is over.
func (c *run) keepPicture(ctx context.Context, file research.Artifact, data []byte) error {
	failpoint.Hit(ctx, "before_picture")
	if err := c.runner.lease.await(ctx); err != nil {
		return err
	}
	defer c.runner.files.lock(c.task.ID)()
	epochs, err := store.ReadUntilAvailable(ctx, func() (map[uuid.UUID]int, error) {
		return c.runner.store.Epochs(ctx, []uuid.UUID{c.task.ID})
	})
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return err
	case epochs[c.task.ID] != c.epoch:
		return research.ErrFenced
	}
	err = c.runner.artifacts.Write(ctx, c.task.ID, file.Name, file.ContentType, data)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	c.runner.log.ErrorContext(ctx, "a screenshot could not be stored", "task", c.task.ID, "file", file.Name, "error", err)
	return &page.ShotError{Message: "The screenshot was taken but could not be stored; the server's log says why."}
}
