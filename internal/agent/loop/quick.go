package loop

import (
	"context"

	"legwork/internal/agent/reader"
	"legwork/internal/research"
)

// readQuickly finds the quotes for an answer without the model, as the built-in reader does. So the task needs only the
// call for the answer.
func (a *run) readQuickly(ctx context.Context) error {
	a.inherit()
	a.Pages = nil // the reader adds the inherited pages itself
	if err := reader.ReadPages(ctx, a.Session); err != nil {
		return err
	}
	return reader.CiteBest(ctx, a.Session, research.Thinking("Looking for the passages that fit the question best.", nil))
}
