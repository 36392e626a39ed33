package doctor

import (
	"strings"
	"testing"

	"legwork/internal/config"
)

// TestNoEngine checks that doctor says what to do when no search engine is configured.
func TestNoEngine(t *testing.T) {
	t.Parallel()
	cfg, err := config.Load([]string{"SEARCH_ENGINES=custom"}, "")
	if err != nil {
		t.Fatal(err)
	}
	if note := searchNote(cfg); !strings.Contains(note, "seed URL") {
		t.Errorf("doctor says %q", note)
	}
}
