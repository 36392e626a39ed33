package reader

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"legwork/internal/agent/agenttest"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// TestLargePages checks that a large page is cited like any other, and that a large page that cannot be stored in time counts as one that
// cannot be read: the run goes on with the other pages.
func TestLargePages(t *testing.T) {
	t.Parallel()
	site := testsite.Start(t)
	site.Page("/start.html", `<html lang="en"><title>Start</title><h1>Kettle</h1><p>All about the torque of the valve:</p><p><a href="/huge.html">Torque of the valve</a></p><p><a href="/small.html">More about the torque</a></p>`)
	var b strings.Builder
	for i := range 1200 {
		fmt.Fprintf(&b, "<h2>Part %d</h2><p>Part number %d of the kettle is tightened with care to keep it in its place, as the picture beside it shows in detail.</p>", i, i)
	}
	site.Page("/huge.html", `<html lang="en"><title>Huge</title><h1>Huge</h1>`+b.String()+`<h2>The valve</h2><p>The torque of the valve is 77 newton metres.</p>`)
	site.Page("/small.html", `<html lang="en"><title>Small</title><h1>Small</h1><p>The torque of the valve is given as 78 newton metres elsewhere.</p>`)
	w := newWorld(t)
	for name, tt := range map[string]struct {
		keep  func(context.Context, *research.Page) error
		huge  research.Outcome
		cited string
	}{
		"stored":   {nil, research.OutcomeOK, "77 newton metres"},
		"too slow": {func(context.Context, *research.Page) error { return research.ErrTooSlow }, research.OutcomeTooLarge, "78 newton metres"},
	} {
		j := w.Submit("What is the torque of the valve?", agenttest.Seeded(site, "/start.html"))
		j.Keep = tt.keep
		if _, err := j.Run(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		task := j.Sound(t)
		if !slices.ContainsFunc(task.Citations, func(c research.Evidence) bool { return strings.Contains(c.Excerpt, tt.cited) }) {
			t.Errorf("%s: %+v", name, task.Citations)
		}
		visits, err := w.Store.For(research.DefaultAccount).Visits(t.Context(), task.ID)
		if err != nil || !slices.ContainsFunc(visits, func(v research.Visit) bool { return pathOf(t, v.URL) == "/huge.html" && v.Outcome == tt.huge }) {
			t.Errorf("%s: %+v, %v", name, visits, err)
		}
	}
}
