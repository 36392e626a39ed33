package httpapi

import (
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"legwork/internal/auth"
	"legwork/internal/dbtest"
	"legwork/internal/store/identities"
)

// BenchmarkAccess reads a task with an API key and without access control, in turns on one server and one database. It reports the
// median times of both, and their ratio, which must stay at 1.15 or below.
func BenchmarkAccess(b *testing.B) {
	for _, what := range []string{"task", "list"} {
		b.Run(what, func(b *testing.B) {
			l := setupLockedOn(b, dbtest.New(b))
			path := map[string]string{"task": "/api/tasks/" + l.task("default"), "list": "/api/tasks?limit=1"}[what]
			key, _ := l.key(identities.NewKey{})
			server := l.api.server
			modes := []Authenticator{auth.Off{}, l.auth}
			took := make([][]time.Duration, len(modes))
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, l.http.URL+path, nil)
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+key)
			for i := 0; b.Loop(); i++ {
				for j := range modes {
					mode := (i + j) % len(modes) // the modes take turns at being first
					server.auth = modes[mode]    // no request is running, so nothing reads auth
					began := time.Now()
					res, err := l.http.Client().Do(req)
					if err != nil || res.StatusCode != http.StatusOK {
						b.Fatal(res, err)
					}
					if _, err := io.Copy(io.Discard, res.Body); err != nil {
						b.Fatal(err)
					}
					_ = res.Body.Close()
					took[mode] = append(took[mode], time.Since(began))
				}
			}
			var medians [2]float64
			for i := range took {
				slices.Sort(took[i])
				medians[i] = float64(took[i][len(took[i])/2].Microseconds())
			}
			b.ReportMetric(medians[0], "off-µs")
			b.ReportMetric(medians[1], "key-µs")
			b.ReportMetric(medians[1]/medians[0], "ratio")
		})
	}
}
