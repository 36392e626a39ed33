package httpapi

import (
	"context"
	"io"
	"time"

	"legwork/api"
	"legwork/internal/auth"
	"legwork/internal/httpapi/problem"
	"legwork/internal/research"
	"legwork/internal/wire"
)

// CreateTask implements api.StrictServerInterface.
func (s *server) CreateTask(ctx context.Context, req api.CreateTaskRequestObject) (api.CreateTaskResponseObject, error) {
	body, err := readBody(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	in, err := wire.DecodeNewTask(body, s.limits)
	if err != nil {
		return nil, err
	}
	in.By = author(ctx)
	headers := api.CreateTask201ResponseHeaders{}
	var task research.Task
	if key := req.Params.IdempotencyKey; key == nil {
		task, err = s.tasks.Submit(ctx, account(ctx), in)
	} else {
		var replayed bool
		if task, replayed, err = s.tasks.SubmitOnce(ctx, account(ctx), *key, in); replayed {
			headers.IdempotencyReplayed = &replayed
		}
	}
	if err != nil {
		return nil, err
	}
	headers.Location = location(task)
	headers.RateLimitLimit, headers.RateLimitRemaining, headers.RateLimitReset = moreTasks(task)
	return api.CreateTask201JSONResponse{Body: wire.TaskFor(task, auth.CallerOf(ctx).Principal), Headers: headers}, nil
}

// author returns the user and the API key by which a request submits a task.
func author(ctx context.Context) research.Author {
	c := auth.CallerOf(ctx)
	return research.Author{UserID: c.UserID, KeyID: c.KeyID}
}

func location(t research.Task) string { return "/api/tasks/" + t.ID.String() }

// GetTask implements api.StrictServerInterface.
func (s *server) GetTask(ctx context.Context, req api.GetTaskRequestObject) (api.GetTaskResponseObject, error) {
	task, err := s.task(ctx, req.ID)
	if err != nil {
		return nil, err
	}
	return api.GetTask200JSONResponse(wire.TaskFor(task, auth.CallerOf(ctx).Principal)), nil
}

// task loads the task whose id is in the path.
func (s *server) task(ctx context.Context, raw string) (research.Task, error) {
	id, err := wire.ParseID(raw)
	if err != nil {
		return research.Task{}, err
	}
	return s.data(ctx).Task(ctx, id)
}

// DeleteTask implements api.StrictServerInterface.
func (s *server) DeleteTask(ctx context.Context, req api.DeleteTaskRequestObject) (api.DeleteTaskResponseObject, error) {
	id, err := wire.ParseID(req.ID)
	if err != nil {
		return nil, err
	}
	reason, err := readReason(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	if err := s.tasks.Delete(ctx, account(ctx), id, reason); err != nil {
		return nil, err
	}
	return api.DeleteTask204Response{}, nil
}

// readReason returns the reason in the body of a cancel or delete request. It returns "" when the client gave none.
func readReason(body io.Reader, contentType string) (string, error) {
	b, err := readBody(body, contentType)
	if err != nil {
		return "", err
	}
	return wire.DecodeReason(b)
}

// CancelTask implements api.StrictServerInterface.
func (s *server) CancelTask(ctx context.Context, req api.CancelTaskRequestObject) (api.CancelTaskResponseObject, error) {
	id, err := wire.ParseID(req.ID)
	if err != nil {
		return nil, err
	}
	reason, err := readReason(req.Body, req.ContentType)
	if err != nil {
		return nil, err
	}
	task, err := s.tasks.Cancel(ctx, account(ctx), id, reason)
	if err != nil {
		return nil, err
	}
	return api.CancelTask200JSONResponse(wire.TaskFor(task, auth.CallerOf(ctx).Principal)), nil
}

// RerunTask implements api.StrictServerInterface.
func (s *server) RerunTask(ctx context.Context, req api.RerunTaskRequestObject) (api.RerunTaskResponseObject, error) {
	id, err := wire.ParseID(req.ID)
	if err != nil {
		return nil, err
	}
	task, err := s.tasks.Rerun(ctx, account(ctx), id, author(ctx))
	if err != nil {
		return nil, err
	}
	headers := api.RerunTask201ResponseHeaders{Location: location(task)}
	headers.RateLimitLimit, headers.RateLimitRemaining, headers.RateLimitReset = moreTasks(task)
	return api.RerunTask201JSONResponse{Body: wire.TaskFor(task, auth.CallerOf(ctx).Principal), Headers: headers}, nil
}

// moreTasks returns the values of the RateLimit headers after a submission. They are nil when the number of tasks is not
// limited.
func moreTasks(t research.Task) (limit, remaining, reset *int) {
	more := t.MoreTasks
	if more == nil {
		return nil, nil, nil
	}
	most, left, seconds := int(more.Limit), int(more.Remaining), problem.SecondsUntil(more.ResetsAt, time.Now())
	return &most, &left, &seconds
}
