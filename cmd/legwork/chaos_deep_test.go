//go:build failpoints

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"

	"legwork/internal/store"
	"legwork/internal/testsite"
)

// Some of the tasks are deep: each of their children reads one page. deepSteps is the number of model calls of such a
// tree: the plan, the search for gaps and the answer, and four for each child.
const deepSteps = 3 + 4*sitePages

func isDeep(i int) bool { return i%5 == 2 }

func deepBody(i int) string {
	return fmt.Sprintf(`{"question":"How long is the keep warm time of the kettle, case %d?","effort":"deep","format":"answer","maxPages":40,"timeBudget":600}`, i)
}

// treeOf selects the ids of a task ($1) and of its children.
const treeOf = "(SELECT $1::uuid UNION ALL SELECT task_id FROM tree_nodes WHERE parent_id = $1)"

var pageOf = regexp.MustCompile(`Question: How long is the keep warm time on page (\d+) `)

// deepTurn returns the reply to a request of a deep task or of one of its children, and a name for what is requested.
func deepTurn(site *slowSite, i int, r testsite.ModelRequest, step string) (string, *testsite.Turn) {
	request := fmt.Sprint(r.Messages()[1]["content"])
	url := func(page any) string { return site.URL(fmt.Sprintf("/chaos/%d/%v.html", i, page)) }
	child := pageOf.FindStringSubmatch(request)
	switch {
	case strings.Contains(request, "Write the plan now"):
		var subs []map[string]string
		for page := range sitePages {
			subs = append(subs, map[string]string{"question": fmt.Sprintf("How long is the keep warm time on page %d of the kettle, case %d? See %s", page, i, url(page))})
		}
		raw, _ := json.Marshal(map[string]any{"subquestions": subs})
		return "plan", &testsite.Turn{Text: string(raw)}
	case strings.Contains(request, "These sub-questions were researched"):
		return "gaps", &testsite.Turn{Text: `{"subquestions":[]}`}
	case child == nil:
		return "answer", &testsite.Turn{Text: "It is 25 minutes [1]."}
	}
	t := &testsite.Turn{Text: "DONE"}
	call := func(tool string, args map[string]any) *testsite.Turn {
		raw, _ := json.Marshal(args)
		return &testsite.Turn{Calls: []testsite.ToolCall{{Name: tool, Arguments: string(raw)}}}
	}
	switch step {
	case "answer":
		t.Text = "It is 25 minutes [1]."
	case "0":
		t = call("navigate_to", map[string]any{"url": url(child[1])})
	case "1":
		quote := fmt.Sprintf("The keep warm time of the kettle on the page /chaos/%d/%s.html is 25 minutes", i, child[1])
		t = call("cite", map[string]any{"url": url(child[1]), "quote": quote})
	}
	return "child " + child[1] + " step " + step, t
}

// interrupted returns how many runs of a task and of its children were interrupted.
func (c *chaos) interrupted(ctx context.Context, st *store.Store, id uuid.UUID) (n int) {
	if err := st.Pool().QueryRow(ctx, "SELECT count(*) FROM runs WHERE task_id IN "+treeOf+" AND outcome IN ('lost','handed_back','retry')", id).Scan(&n); err != nil {
		c.t.Error(err)
	}
	return n
}

// allAnswered reports whether all children of a deep task completed. A child may lose three workers in a row.
func (c *chaos) allAnswered(ctx context.Context, st *store.Store, id uuid.UUID) (all bool) {
	err := st.Pool().QueryRow(ctx, `SELECT count(*) = $2 AND bool_and(t.status = 'completed') FROM tree_nodes n JOIN tasks t ON t.id = n.task_id WHERE n.parent_id = $1`,
		id, sitePages).Scan(&all)
	if err != nil {
		c.t.Error(err)
	}
	return all
}
