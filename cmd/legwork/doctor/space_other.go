//go:build !linux

package doctor

import "errors"

// freeBytes returns an error, because this system is not asked.
func freeBytes(string) (uint64, error) { return 0, errors.ErrUnsupported }
