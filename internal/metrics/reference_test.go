package metrics

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const referenceFile = "../../docs/reference/metrics.md"

var update = flag.Bool("update", false, "write docs/reference/metrics.md anew")

// TestReference checks that docs/reference/metrics.md is what the definitions say. make reference writes it.
func TestReference(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(`# Metrics

Every metric of legwork, made from their definitions. [Watch a server](../howto/watch.md) says how they are read, and has alert rules and a dashboard.

The metrics of the Go runtime (` + "`go_*`" + `) and of the process (` + "`process_*`" + `) are there too. Each label has a bounded number of values. Beyond it, values are counted
as ` + "`other`" + `.

`)
	table := func(title, about string, shared bool) {
		fmt.Fprintf(&b, "## %s\n\n%s\n\n| metric | type | labels | |\n|---|---|---|---|\n", title, about)
		for _, d := range New("", "").Definitions() {
			if d.Shared != shared {
				continue
			}
			labels := ""
			if len(d.Labels) > 0 {
				labels = "`" + strings.Join(d.Labels, "`, `") + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", d.Name, d.Type, labels, d.Help)
		}
		b.WriteString("\n")
	}
	table("Of one process", "Each process counts its own work, from its start. Add them up over the processes.", false)
	table("Of the whole installation", fmt.Sprintf("Read from the database, by each process at most once in %s. All processes report the same: take the greatest, do not add.", DatabaseEvery), true)
	text := strings.TrimRight(b.String(), "\n") + "\n"
	if *update {
		require.NoError(t, os.WriteFile(referenceFile, []byte(text), 0o644))
	}
	got, err := os.ReadFile(referenceFile)
	require.NoError(t, err)
	require.Equal(t, text, string(got), "docs/reference/metrics.md is not what the definitions say: run make reference")
}
