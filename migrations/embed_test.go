package migrations_test

import (
	"fmt"
	"io/fs"
	"testing"

	"legwork/migrations"
)

// TestNumbersFollowEachOther finds a number that two migrations have, and one that none has: a database that is past a gap refuses
// a migration that fills the gap later.
func TestNumbersFollowEachOther(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(migrations.FS, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range files {
		if want := fmt.Sprintf("%05d_", i+1); name[:len(want)] != want {
			t.Errorf("%s: want a name that begins with %s", name, want)
		}
	}
}
