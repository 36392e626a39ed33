package agent

import "time"

// Constants for the tests of this package, which are in package agent_test.
const (
	TimeToEnd         time.Duration = endTime
	ScreenshotsAtOnce               = shotsAtOnce
)
