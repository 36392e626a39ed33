package stream

import (
	"context"

	"github.com/google/uuid"
)

// SubscribeFor is Subscribe for a caller. It returns research.ErrNotFound when the task does not belong to the
// account. The account is checked once; after that the hub reads the log for all subscriptions of the task
// together. With deltas it is SubscribeWithDeltas.
func (h *Hub) SubscribeFor(ctx context.Context, account string, taskID uuid.UUID, after int64, deltas bool) (*Subscription, error) {
	if err := h.log.CheckOwner(ctx, account, taskID); err != nil {
		return nil, err
	}
	if deltas {
		return h.SubscribeWithDeltas(taskID, after), nil
	}
	return h.Subscribe(taskID, after), nil
}
