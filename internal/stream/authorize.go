package stream

import (
	"context"

	"github.com/google/uuid"
)

// SubscribeFor is Subscribe for a caller, or SubscribeWithDeltas if deltas is set. It returns research.ErrNotFound when
// the task does not belong to the account. It checks this once. After that the hub reads the log for all subscriptions
// of the task together.
func (h *Hub) SubscribeFor(ctx context.Context, account string, taskID uuid.UUID, after int64, deltas bool) (*Subscription, error) {
	if err := h.log.CheckOwner(ctx, account, taskID); err != nil {
		return nil, err
	}
	if deltas {
		return h.SubscribeWithDeltas(taskID, after), nil
	}
	return h.Subscribe(taskID, after), nil
}
