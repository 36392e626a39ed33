package httpapi

import (
	"context"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/wire"
)

// ConfirmPlan implements api.StrictServerInterface.
func (s *server) ConfirmPlan(ctx context.Context, req api.ConfirmPlanRequestObject) (api.ConfirmPlanResponseObject, error) {
	id, err := wire.ParseID(req.ID)
	if err != nil {
		return nil, err
	}
	body, err := readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	changed, err := wire.DecodePlanChanges(body)
	if err != nil {
		return nil, err
	}
	task, err := s.tasks.ConfirmPlan(ctx, account(ctx), id, changed)
	if err != nil {
		return nil, err
	}
	return api.ConfirmPlan200JSONResponse(wire.TaskFor(task, auth.CallerOf(ctx).Principal)), nil
}

// GetTree implements api.StrictServerInterface.
func (s *server) GetTree(ctx context.Context, req api.GetTreeRequestObject) (api.GetTreeResponseObject, error) {
	task, err := s.task(ctx, req.ID)
	if err != nil {
		return nil, err
	}
	nodes, err := s.tasks.Tree(ctx, account(ctx), task.ID)
	if err != nil {
		return nil, err
	}
	return api.GetTree200JSONResponse(wire.Tree(task, nodes)), nil
}
