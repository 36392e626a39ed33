package jobs

import (
	"context"

	"github.com/google/uuid"

	"legwork/internal/failpoint"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/store"
)

// keepPicture writes the file of a screenshot, if the run still holds its task, and notes which store has it. A delete in this process waits for the
// lock and then removes the file. A delete in another process removes the file by a purge job that runs one lease time
// later.
func (c *run) keepPicture(ctx context.Context, file *research.Artifact, data []byte) error {
	failpoint.Hit(ctx, "before_picture")
	if err := c.runner.lease.Await(ctx); err != nil {
		return err
	}
	unlock, err := c.runner.LockFiles(ctx, c.task.ID)
	if err != nil {
		return err
	}
	defer unlock()
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
	err = c.runner.Artifacts.Write(ctx, c.task.ID, file.Name, file.ContentType, data)
	switch {
	case err == nil:
		file.StoreID = c.runner.Artifacts.ID(ctx)
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	c.runner.log.ErrorContext(ctx, "a screenshot could not be stored", "file", file.Name, "error", err)
	return &page.ShotError{Message: "The screenshot was taken but could not be stored; the server's log says why."}
}
