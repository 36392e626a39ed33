package connection

import (
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// River is River's driver for pgx, with a listener that has connections of its own. A listener behind a pooler would receive
// nothing.
type River struct {
	*riverpgxv5.Driver
	listening *riverpgxv5.Driver
}

// River returns the driver with which River uses the database.
func (d *Database) River() River {
	return River{Driver: riverpgxv5.New(d.pool), listening: riverpgxv5.New(d.listening)}
}

// GetListener implements riverdriver.Driver.
func (r River) GetListener(params *riverdriver.GetListenenerParams) riverdriver.Listener {
	return r.listening.GetListener(params)
}
