package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// confirmPlan asks the person whether the plan that was just shown should be researched, or which sub-questions instead,
// and tells the server.
func (p *program) confirmPlan(ctx context.Context, c *client, id string) error {
	fmt.Fprintln(p.out, "\nPress Enter to research this plan. Or write other sub-questions, one on each line, and then an empty line:")
	var changed []map[string]string
	lines := bufio.NewReader(io.LimitReader(p.in, 64<<10))
	for {
		line, err := lines.ReadString('\n')
		if question := strings.TrimSpace(line); question != "" {
			changed = append(changed, map[string]string{"question": question})
		} else if err == nil {
			break
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("read the plan: %w", err)
		}
	}
	body := map[string]any{}
	if changed != nil {
		body["subquestions"] = changed
	}
	return c.do(ctx, "POST", "/api/tasks/"+id+"/plan", body, nil)
}

// waitsForPlan reports whether an event says that the plan of the task waits to be confirmed.
func waitsForPlan(e event) bool {
	return e.Metadata["plan"] != nil && e.Metadata["waitingFor"] == "plan"
}
