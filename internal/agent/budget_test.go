package agent

import (
	"testing"
	"time"

	"legwork/internal/research"
)

func TestReadingTime(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ budget, spent, want time.Duration }{
		{300 * time.Second, 0, 270 * time.Second},
		{300 * time.Second, 100 * time.Second, 170 * time.Second},
		{10 * time.Second, 0, 8 * time.Second},
		{2 * time.Second, 0, time.Second},
	} {
		e := Env{Task: research.Task{Options: research.Options{TimeBudget: tt.budget}}, Spent: tt.spent, Started: time.Now()}
		if got := e.ReadingTime(); got > tt.want || got < tt.want-time.Second {
			t.Errorf("budget %v, spent %v: %v left, wanted %v", tt.budget, tt.spent, got, tt.want)
		}
	}
}
