//go:build !linux

package browser

import (
	"log/slog"
	"os"
	"os/exec"
	"time"
)

// profile is the folder of one Chromium: its profile, its home directory and its temporary files.
type profile struct{ dir string }

func newProfile(parent string) (*profile, error) {
	dir, err := os.MkdirTemp(parent, "legwork-chromium-")
	return &profile{dir: dir}, err
}

// remove removes the folder. It tries repeatedly, since a killed process may still write to the folder for a moment.
func (p *profile) remove(int) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for range 250 {
		if os.RemoveAll(p.dir) == nil {
			return
		}
		<-tick.C
	}
}

func own(*exec.Cmd) {}

func removeStale(string, *slog.Logger) {}
