package doctor

import "syscall"

// freeBytes returns the free space of the disk that has a folder, for users who are not root.
func freeBytes(folder string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(folder, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil //nolint:gosec // the size of a block is positive
}
