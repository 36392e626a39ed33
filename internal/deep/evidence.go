package deep

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/research"
)

// State is what a run of a deep task finds of its tree.
type State struct {
	Children []research.Child // by number; nil if the task has none yet
	Left     research.Share   // what is left of the pool for further children
	Own      research.Share   // the share of the deep task itself
}

// Load reads the tree of a deep task.
func (t *Trees) Load(ctx context.Context, id uuid.UUID) (State, error) {
	nodes, err := t.rows.Tree(ctx, nil, id)
	if err != nil || len(nodes) < 2 {
		return State{}, err
	}
	root := nodes[0]
	s := State{Own: root.Own, Left: research.Share{Pages: root.Share.Pages - root.Given.Pages, Seconds: root.Share.Seconds - root.Given.Seconds}}
	if root.Share.Tokens != nil {
		left := *root.Share.Tokens - *root.Given.Tokens
		s.Left.Tokens = &left
	}
	for _, n := range nodes[1:] {
		s.Children = append(s.Children, n.Child)
	}
	return s, nil
}

// Round returns the round of the newest children; 0 if there are none.
func (s State) Round() int {
	round := 0
	for _, c := range s.Children {
		round = max(round, c.Round)
	}
	return round
}

// toolCollect names the step in which a run of a deep task takes over the evidence of its children.
const toolCollect = "collect_evidence"

// collected is the journaled result of that step: which numbers the evidence of each child has in the deep task.
type collected struct {
	Round    int      `json:"round"`
	Children []copied `json:"children"`
}

type copied struct {
	Number int `json:"number"`
	First  int `json:"first"` // number of the first piece of evidence
	Last   int `json:"last"`
}

// Collect copies the evidence that the answers of the newest children cite to the deep task, once: it journals a step in the
// transaction that copies. last is the number of the task's newest evidence. It returns the events of the task, and none
// when an earlier run has collected.
func (t *Trees) Collect(ctx context.Context, task research.Task, epoch, try, last int, s State, journal []research.Step) ([]research.Event, error) {
	round, turn := s.Round(), 0
	args := fmt.Sprintf(`{"round":%d}`, round)
	for _, step := range journal {
		if step.Tool == toolCollect && string(step.Args) == args {
			return nil, nil
		}
		turn = max(turn, step.Turn)
	}
	var events []research.Event
	err := t.store.InTx(ctx, func(ctx context.Context, tx pgx.Tx) error {
		// The epoch is checked, and the head locked, before the evidence is copied. The result of the step needs the numbers,
		// so the step is recorded last.
		if _, err := t.store.Append(ctx, tx, task.ID, epoch, nil); err != nil {
			return err
		}
		result, answered, number := collected{Round: round, Children: []copied{}}, 0, last
		for _, c := range s.Children {
			if c.Round != round || c.Status != research.Completed {
				continue
			}
			after, err := t.store.CopyEvidence(ctx, tx, c.TaskID, task.ID, number)
			if err != nil {
				return err
			}
			result.Children = append(result.Children, copied{Number: c.Number, First: number + 1, Last: after})
			answered, number = answered+1, after
		}
		raw, err := research.EncodeJSON(result)
		if err != nil {
			return err
		}
		events, _, err = t.store.RecordStep(ctx, tx, task.ID, epoch, research.Step{Turn: turn + 1, CallNo: 1, Try: try, Kind: research.ToolStep, Tool: toolCollect,
			Args: []byte(args), Result: raw, Success: true, Events: []research.Event{research.Thinking(
				fmt.Sprintf("%d verified quotes were taken over from %d answered sub-questions.", number-last, answered), map[string]any{"turn": turn + 1, "quotes": number - last})}})
		return err
	})
	return events, err
}
