package wire

import (
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"legwork/api"
	"legwork/internal/research"
)

// deep returns the limits of a deep task, whose budgets are those of the task and its children together.
func (l Limits) deep() Limits {
	l.DefaultBudget *= research.DeepBudgets
	l.MaxBudget *= research.DeepMostBudgets
	l.MaxTokens = min(l.MaxTokens*research.DeepMostBudgets, MostTokens)
	return l
}

// confirmPlan reads whether a deep task waits for its plan.
func (o *object) confirmPlan(effort research.Effort) bool {
	confirm := o.boolean("confirmPlan", false)
	if confirm && effort != research.Deep {
		o.bad.Add("confirmPlan", "needs the effort deep; other tasks have no plan")
	}
	return confirm
}

// maxPurpose is the greatest length of the purpose of a sub-question, in code points.
const maxPurpose = 300

// DecodePlanChanges decodes the body of the confirmation of a plan. It returns nil when the plan is confirmed as it is. Its
// error is a *research.ValidationError.
func DecodePlanChanges(body []byte) ([]research.Subquestion, error) {
	if b := strings.TrimSpace(string(body)); b == "" || b == "null" {
		return nil, nil
	}
	o, err := parse(body, []string{"subquestions"})
	if err != nil {
		return nil, err
	}
	v := o.get("subquestions")
	if v == nil {
		return nil, nil
	}
	var items []jsontext.Value
	if v.Kind() != '[' || json.Unmarshal(v, &items) != nil || len(items) < 1 || len(items) > research.MaxChildren {
		o.bad.Add("subquestions", "must be a list of 1 to %d sub-questions", research.MaxChildren)
		return nil, o.bad.Err()
	}
	subs := make([]research.Subquestion, len(items))
	for i, item := range items {
		sub, err := parse(item, []string{"question", "purpose"})
		if err != nil {
			o.bad.Add("subquestions", "entry %d must be an object with a question", i+1)
			continue
		}
		subs[i] = research.Subquestion{Question: sub.question(), Purpose: sub.purpose()}
		for _, f := range sub.bad.Fields {
			o.bad.Add("subquestions", "the %s of entry %d %s", f.Field, i+1, f.Message)
		}
	}
	return subs, o.bad.Err()
}

func (o *object) purpose() string {
	s, ok := o.text("purpose")
	switch {
	case !ok:
	case utf8.RuneCountInString(s) > maxPurpose:
		o.bad.Add("purpose", "must have at most %d characters", maxPurpose)
	case strings.ContainsRune(s, 0):
		o.bad.Add("purpose", "must not contain the NUL character")
	}
	return s
}

// waiting returns what a task waits for, or nil.
func waiting(w research.Waiting) *api.Waiting {
	if w == "" {
		return nil
	}
	out := api.Waiting(w)
	return &out
}

// Tree returns a deep task with its sub-questions. nodes has the task first; it is empty if the task has no plan.
func Tree(t research.Task, nodes []research.TreeNode) api.TaskTree {
	out := api.TaskTree{TaskID: t.ID.String(), Status: api.Status(t.Status), WaitingFor: waiting(t.WaitingFor), Children: []api.TreeChild{}}
	if len(nodes) == 0 {
		return out
	}
	root := nodes[0]
	pool, given := share(root.Share), share(root.Given)
	if root.Share.Tokens == nil {
		given.Tokens = nil
	}
	if root.Share.Microdollars == nil {
		given.CostUsd = nil
	}
	out.Pool, out.Given, out.WaitsUntil = &pool, &given, moment(root.WaitsUntil)
	if t.WaitingFor == "" {
		out.WaitsUntil = nil
	}
	if root.Plan != nil {
		plan := make([]api.Subquestion, len(root.Plan.Subquestions))
		for i, s := range root.Plan.Subquestions {
			plan[i] = api.Subquestion{Number: s.Number, Question: s.Question, Purpose: optional(s.Purpose), Share: share(s.Share)}
		}
		out.Plan = &plan
	}
	for _, n := range nodes[1:] {
		tokens := n.Used.InputTokens
		out.Children = append(out.Children, api.TreeChild{
			TaskID: n.TaskID.String(), Number: n.Number, Round: n.Round, Question: n.Question, Status: api.Status(n.Status), WaitingFor: waiting(n.WaitingFor),
			Answered: n.Answered, Error: n.Error, ErrorCode: n.ErrorCode, StartedAt: moment(n.StartedAt), CompletedAt: moment(n.CompletedAt),
			Citations: n.Citations, Share: share(n.Share),
			Used: api.Share{Pages: int64(n.Used.Pages), Seconds: n.Used.Running.Seconds(), Tokens: &tokens, CostUsd: n.Used.CostUSD},
		})
	}
	return out
}

func share(s research.Share) api.Share {
	out := api.Share{Pages: s.Pages, Seconds: float64(s.Seconds), Tokens: s.Tokens}
	if s.Microdollars != nil {
		usd := float64(*s.Microdollars) / 1e6
		out.CostUsd = &usd
	}
	return out
}
