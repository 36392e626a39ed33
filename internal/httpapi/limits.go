package httpapi

import (
	"context"
	"fmt"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/research"
	"legwork/internal/wire"
)

// GetLimits implements api.StrictServerInterface.
func (s *server) GetLimits(ctx context.Context, req api.GetLimitsRequestObject) (api.GetLimitsResponseObject, error) {
	key, err := wire.ParseKeyID(req.Params.KeyID)
	if err != nil {
		return nil, err
	}
	status, err := s.limitStatus(ctx, key)
	return api.GetLimits200JSONResponse(status), err
}

// SetLimits implements api.StrictServerInterface.
func (s *server) SetLimits(ctx context.Context, req api.SetLimitsRequestObject) (api.SetLimitsResponseObject, error) {
	key, err := wire.ParseKeyID(req.Params.KeyID)
	if err != nil {
		return nil, err
	}
	body, err := readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	limits, err := wire.DecodeUsageLimits(body)
	if err != nil {
		return nil, err
	}
	caller := auth.CallerOf(ctx)
	if err := s.identities.SetLimits(ctx, caller.Actor(), caller.AccountID, key, limits); err != nil {
		return nil, err
	}
	status, err := s.limitStatus(ctx, key)
	return api.SetLimits200JSONResponse(status), err
}

// limitStatus returns the limits and the usage of the caller's account, or of one of the account's keys if key is not
// empty.
func (s *server) limitStatus(ctx context.Context, key string) (api.LimitStatus, error) {
	account := auth.CallerOf(ctx).AccountID
	if key != "" {
		if has, err := s.usage.HasKey(ctx, account, key); err != nil || !has {
			return api.LimitStatus{}, orNotFound(err)
		}
	}
	limits, own, err := s.usage.Limits(ctx, account, key)
	if err != nil {
		return api.LimitStatus{}, err
	}
	used, err := s.usage.Used(ctx, account, key)
	return wire.LimitStatus(key, limits, own, used), err
}

func orNotFound(err error) error {
	if err == nil {
		err = fmt.Errorf("%w: no such key", research.ErrNotFound)
	}
	return err
}
