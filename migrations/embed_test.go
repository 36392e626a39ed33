package migrations_test

import (
	"fmt"
	"io/fs"
	"testing"

	"legwork/migrations"
)

// TestNumbersFollowEachOther checks that the numbers of the migrations have no duplicates and no gaps. A gap must not be
// filled later, because a database that has already passed the missing number would refuse the late migration.
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
