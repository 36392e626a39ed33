package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/failpoint"
	"legwork/internal/research"
	"legwork/internal/store"
	"legwork/internal/tracing"
)

// KeepKeys is how long an idempotency key is remembered.
const KeepKeys = 24 * time.Hour

// plainKey matches an allowed idempotency key: visible ASCII characters.
var plainKey = regexp.MustCompile(`^[!-~]{1,255}$`)

// errReplay rolls a submission's transaction back because its idempotency key belongs to an earlier task.
var errReplay = errors.New("submitted before")

// Submit stores a validated task with its head, its first event and its job in one transaction. It returns
// research.ErrQueueFull when too many tasks wait, and a *research.LimitError when a limit of the account or of its API key
// refuses the task.
func (s *Service) Submit(ctx context.Context, account string, in research.NewTask) (research.Task, error) {
	task, _, err := s.submit(ctx, account, nil, in)
	return task, err
}

// SubmitOnce is Submit with an idempotency key of the caller. When the key was used for the same submission within
// [KeepKeys], it returns the task of that submission in its present state, and true. If that task was deleted meanwhile,
// it returns research.ErrGone. When the key was used for a different submission, it returns a validation error. A
// refused submission does not use up its key.
func (s *Service) SubmitOnce(ctx context.Context, account, key string, in research.NewTask) (task research.Task, replayed bool, err error) {
	if !plainKey.MatchString(key) {
		var v research.ValidationError
		v.Add("idempotencyKey", "must have 1 to 255 visible ASCII characters, no spaces")
		return task, false, v.Err()
	}
	return s.submit(ctx, account, &key, in)
}

func (s *Service) submit(ctx context.Context, account string, key *string, in research.NewTask) (task research.Task, replayed bool, err error) {
	id, err := uuid.NewV7()
	if err != nil {
		return research.Task{}, false, fmt.Errorf("make task id: %w", err)
	}
	if in.From == (research.Origin{}) {
		in.From = research.Origin(tracing.OriginOf(ctx))
	}
	var first *store.TakenKey
	var events []research.Event
	err = s.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		// A submission locks its key before anything else, and locks no other key. So two submissions cannot deadlock.
		if first, err = s.takeKey(ctx, tx, account, key, in, id); err != nil {
			return err
		}
		if first != nil {
			return errReplay
		}
		failpoint.Hit(ctx, "after_take_key")
		more, err := s.usage.Admit(ctx, tx, account, in.By.KeyID, s.maxQueued)
		if err != nil {
			return err
		}
		if in.Context, err = s.parentContext(ctx, tx, account, in.ParentID); err != nil {
			return err
		}
		job, err := s.river.InsertTx(ctx, tx, ResearchArgs{TaskID: id, Epoch: 1}, researchOpts(s.queues.OfNew(id), in.Priority, 0, false))
		if err != nil {
			return fmt.Errorf("insert job: %w", err)
		}
		task, events, err = s.store.For(account).CreateTask(ctx, tx, id, in, job.Job.ID, submitted)
		task.MoreTasks = more
		if err != nil || in.ParentID == nil {
			return err
		}
		return s.store.Inherit(ctx, tx, *in.ParentID, id)
	})
	switch {
	case errors.Is(err, errReplay):
		task, err = s.replay(ctx, account, first.TaskID)
		return task, true, err
	case err != nil:
		return research.Task{}, false, fmt.Errorf("submit: %w", err)
	}
	s.watching.Metrics.Submitted(string(in.Options.Effort))
	s.publish(ctx, events)
	return task, false, nil
}

// takeKey reserves the key for a new task and returns nil. When the same submission used the key before, it returns the
// earlier use. When a different submission used the key, it returns a validation error.
func (s *Service) takeKey(ctx context.Context, tx pgx.Tx, account string, key *string, in research.NewTask, id uuid.UUID) (*store.TakenKey, error) {
	if key == nil {
		return nil, nil //nolint:nilnil // nil is the value "not used before"
	}
	hash, err := in.Hash()
	if err != nil {
		return nil, err
	}
	former, err := in.FormerHash()
	if err != nil {
		return nil, err
	}
	taken, err := s.store.For(account).TakeKey(ctx, tx, *key, hash, id, KeepKeys)
	if err != nil || taken == nil {
		return nil, err
	}
	if !bytes.Equal(taken.RequestHash, hash) && !bytes.Equal(taken.RequestHash, former) {
		var v research.ValidationError
		v.Add("idempotencyKey", "was used for a different request within the last 24 hours; use a new key")
		return nil, v.Err()
	}
	return taken, nil
}

// replay returns the task that an earlier submission with the same key created.
func (s *Service) replay(ctx context.Context, account string, id uuid.UUID) (research.Task, error) {
	task, err := s.store.For(account).Task(ctx, id)
	if errors.Is(err, research.ErrNotFound) {
		return task, fmt.Errorf("%w: task %s of this idempotency key", research.ErrGone, id)
	}
	return task, err
}

func submitted(status research.Status) research.Event {
	text := "The question was received; research starts at once."
	if status == research.Queued {
		text = "The question was received; it waits for a free worker."
	}
	return research.Thinking(text, map[string]any{"status": string(status)})
}

// maxQuestions is the greatest number of earlier questions that a follow-up is given.
const maxQuestions = 5

// parentContext returns what a follow-up is given of its parent task: the answer and the last questions. It returns a
// validation error when the account has no such task, or when the task has no answer.
func (s *Service) parentContext(ctx context.Context, tx pgx.Tx, account string, id *uuid.UUID) (*research.Context, error) {
	if id == nil {
		return nil, nil //nolint:nilnil // nil is the value "no follow-up"
	}
	var v research.ValidationError
	parent, err := s.store.For(account).TaskInTx(ctx, tx, *id)
	switch {
	case errors.Is(err, research.ErrNotFound):
		v.Add("parentTaskId", "no task has the id %s; name an existing task or leave it out", id)
		return nil, v.Err()
	case err != nil:
		return nil, err
	case parent.Status != research.Completed || parent.Answer == nil:
		v.Add("parentTaskId", "must be a completed task; this one is %s", parent.Status)
		return nil, v.Err()
	}
	tracing.Present(ctx).Link(tracing.LinkFollowUp, tracing.Origin(parent.From))
	c := &research.Context{Answer: *parent.Answer}
	if parent.Context != nil {
		c.Questions = parent.Context.Questions
	}
	c.Questions = append(c.Questions, parent.Question)
	c.Questions = c.Questions[max(0, len(c.Questions)-maxQuestions):]
	return c, nil
}

// Rerun submits a new task with the question and options of an old one. by is the author of the new task, who need not
// be the author of the old one.
func (s *Service) Rerun(ctx context.Context, account string, id uuid.UUID, by research.Author) (research.Task, error) {
	old, err := s.store.For(account).Task(ctx, id)
	if err != nil {
		return research.Task{}, fmt.Errorf("rerun: %w", err)
	}
	tracing.Present(ctx).Link(tracing.LinkRerun, tracing.Origin(old.From))
	return s.Submit(ctx, account, research.NewTask{
		Question: old.Question, Options: old.Options, Priority: old.Priority, ParentID: old.ParentID, By: by})
}
