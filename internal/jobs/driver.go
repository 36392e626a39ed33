package jobs

import (
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"legwork/internal/store"
)

// driver is River's driver for pgx, with a listener that has connections of its own. A listener behind a pooler would receive
// nothing.
type driver struct {
	*riverpgxv5.Driver
	listening *riverpgxv5.Driver
}

func riverDriver(st store.Worker) driver {
	return driver{Driver: riverpgxv5.New(st.Pool()), listening: riverpgxv5.New(st.ListenPool())}
}

// GetListener implements riverdriver.Driver.
func (d driver) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return d.listening.GetListener(params)
}
