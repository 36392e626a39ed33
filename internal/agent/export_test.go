package agent

import "time"

// Constants for tests in other packages.
const (
	TimeToEnd         time.Duration = endTime
	ScreenshotsAtOnce               = shotsAtOnce
)
