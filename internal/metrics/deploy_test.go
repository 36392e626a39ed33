package metrics

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// expression is a query of an alert or of a panel.
type expression struct{ of, text string }

func alerts(t *testing.T) (out []expression) {
	t.Helper()
	raw, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	require.NoError(t, err)
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	d := yaml.NewDecoder(strings.NewReader(string(raw)))
	d.KnownFields(true)
	require.NoError(t, d.Decode(&file))
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			require.Contains(t, []string{"critical", "warning", "info"}, r.Labels["severity"], r.Alert)
			require.NotEmpty(t, r.Annotations["summary"], r.Alert)
			require.True(t, strings.HasSuffix(r.Annotations["description"], "."), "%s: the description says what to do", r.Alert)
			out = append(out, expression{r.Alert, r.Expr})
		}
	}
	require.Greater(t, len(out), 10)
	return out
}

func panels(t *testing.T) (out []expression) {
	t.Helper()
	raw, err := os.ReadFile("../../deploy/grafana/dashboards/legwork.json")
	require.NoError(t, err)
	var board struct {
		UID    string
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
	}
	require.NoError(t, json.Unmarshal(raw, &board))
	ids := map[int]bool{}
	for _, p := range board.Panels {
		require.False(t, ids[p.ID], "two panels have the id %d", p.ID)
		ids[p.ID] = true
		for _, target := range p.Targets {
			out = append(out, expression{p.Title, target.Expr})
		}
	}
	require.Greater(t, len(out), 30)
	return out
}

var (
	metricWithMatchers = regexp.MustCompile(`\b((?:legwork|process|go)_[a-z_]+)(?:\{([^}]*)\})?`)
	matcher            = regexp.MustCompile(`([a-z_]+)\s*(?:=~|!~|!=|=)\s*"`)
	grouping           = regexp.MustCompile(`by \(([^)]*)\)`)
)

// TestRulesAndDashboard checks that every metric and label in the alert rules and in the dashboard exists in a scrape, and that each metric of the queue is used with max, because
// all processes report it.
func TestRulesAndDashboard(t *testing.T) {
	t.Parallel()
	m := New("x", "all")
	everything(m)
	families := scrape(t, m)
	defined := map[string]Definition{}
	for _, d := range m.Definitions() {
		defined[d.Name] = d
	}
	ofPrometheus := []string{"instance", "job", "le"}
	used := map[string]bool{}
	for _, e := range append(alerts(t), panels(t)...) {
		var labels []string
		for _, found := range metricWithMatchers.FindAllStringSubmatch(e.text, -1) {
			name := found[1]
			if families[name] == nil {
				for _, suffix := range []string{"_bucket", "_sum", "_count"} {
					name = strings.TrimSuffix(name, suffix)
				}
			}
			require.NotNil(t, families[name], "%s: there is no metric %s", e.of, found[1])
			used[name] = true
			labels = append(labels, defined[name].Labels...)
			for _, l := range matcher.FindAllStringSubmatch(found[2], -1) {
				require.True(t, slices.Contains(defined[name].Labels, l[1]) || slices.Contains(ofPrometheus, l[1]), "%s: %s has no label %s", e.of, name, l[1])
			}
			if defined[name].Shared {
				require.Contains(t, e.text, "max", "%s: every process reports %s, so a sum would count it several times", e.of, name)
			}
		}
		for _, g := range grouping.FindAllStringSubmatch(e.text, -1) {
			for l := range strings.SplitSeq(g[1], ",") {
				l = strings.TrimSpace(l)
				require.True(t, slices.Contains(labels, l) || slices.Contains(ofPrometheus, l), "%s: none of its metrics has a label %s", e.of, l)
			}
		}
	}
	require.Greater(t, len(used), 30)
}

// TestRulesByPromtool runs the tests of the rules where Prometheus is installed.
func TestRulesByPromtool(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("LEGWORK_TEST_FAULTS") != "" {
			t.Fatal("promtool is not installed")
		}
		t.Skip("there is no promtool; install Prometheus to run the tests of the alert rules")
	}
	cmd := exec.CommandContext(t.Context(), promtool, "test", "rules", "alerts_test.yml")
	cmd.Dir = filepath.Join("..", "..", "deploy", "prometheus")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
