//go:build failpoints

package main_test

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"legwork/internal/store"
	"legwork/internal/testsite"
)

// caseOf finds the number of the client. The question at the beginning of each request to the model contains it.
var caseOf = regexp.MustCompile(`kettle, case (\d+)\?`)

// chaosModel is a slow scripted model that counts the calls for each step of each task.
type chaosModel struct {
	*testsite.LLM

	mu    sync.Mutex
	calls map[int]map[string]int // client → step → requests that arrived
}

// startChaosModel starts a model that opens and cites each page of a client's site, one call at a time, and then
// answers. The reply depends only on the request, so the model can recognise a request that is repeated.
func startChaosModel(t *testing.T, site *slowSite, delay time.Duration) *chaosModel {
	m := &chaosModel{calls: map[int]map[string]int{}}
	m.LLM = testsite.OpenAI(t, func(_ int, r testsite.ModelRequest) testsite.Turn {
		found := caseOf.FindStringSubmatch(r.Raw)
		if found == nil {
			t.Errorf("a request of no task: %s", r.Raw)
			return testsite.Turn{Status: 400, Error: "no question"}
		}
		i, _ := strconv.Atoi(found[1])
		replies := 0
		for _, message := range r.Messages() {
			if message["role"] == "assistant" {
				replies++
			}
		}
		step := strconv.Itoa(replies)
		if len(r.Tools()) == 0 {
			step = "answer"
		}
		var deep *testsite.Turn
		if isDeep(i) {
			step, deep = deepTurn(site, i, r, step)
		}
		m.mu.Lock()
		if m.calls[i] == nil {
			m.calls[i] = map[string]int{}
		}
		m.calls[i][step]++
		m.mu.Unlock()
		hold := make(chan struct{})
		time.AfterFunc(delay, func() { close(hold) })
		page := fmt.Sprintf("/chaos/%d/%d.html", i, replies/2)
		turn := testsite.Turn{Hold: hold}
		switch {
		case deep != nil:
			turn.Text, turn.Calls = deep.Text, deep.Calls
		case step == "answer":
			turn.Text = "It is 25 minutes [1]."
		case replies >= 2*sitePages:
			turn.Text = "DONE"
		case replies%2 == 0:
			turn.Calls = []testsite.ToolCall{{Name: "navigate_to", Arguments: fmt.Sprintf(`{"url":%q}`, site.URL(page))}}
		default:
			quote := "The keep warm time of the kettle on the page " + page + " is 25 minutes"
			turn.Calls = []testsite.ToolCall{{Name: "cite", Arguments: fmt.Sprintf(`{"url":%q,"quote":%q}`, site.URL(page), quote)}}
		}
		return turn
	})
	return m
}

// modelCalls has the totals of the calls that the model recorded.
type modelCalls struct {
	steps    int // replies in the journals
	repeated int // requests for a step that the worker had requested before
}

// checkModel compares the model's record with the journal of one task. Each reply must be requested once, except that each
// interrupted run may have lost one reply between the request and the journal.
func (c *chaos) checkModel(ctx context.Context, st *store.Store, i int, id uuid.UUID, completed bool) (sum modelCalls) {
	interrupted := 0
	want := 2*sitePages + 2
	err := st.Pool().QueryRow(ctx, `SELECT (SELECT count(*) FROM steps WHERE task_id IN `+treeOf+` AND kind = 'model'),
		(SELECT count(*) FROM runs WHERE task_id IN `+treeOf+` AND outcome IN ('lost','handed_back','retry'))`, id).Scan(&sum.steps, &interrupted)
	if err != nil {
		c.t.Error(err)
		return sum
	}
	c.model.mu.Lock()
	calls := c.model.calls[i]
	c.model.mu.Unlock()
	for _, n := range calls {
		sum.repeated += n - 1
	}
	if sum.repeated > interrupted {
		c.t.Errorf("task %s: %d calls of the model were made again, %d runs were interrupted: %v", id, sum.repeated, interrupted, calls)
	}
	if isDeep(i) {
		want, completed = deepSteps, completed && c.allAnswered(ctx, st, id)
	}
	if completed && (len(calls) != sum.steps || sum.steps != want) {
		c.t.Errorf("task %s: the model was asked for %d steps, %d are journaled, the script has %d: %v", id, len(calls), sum.steps, want, calls)
	}
	return sum
}
