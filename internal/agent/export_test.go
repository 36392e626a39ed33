package agent

import "time"

// What tests of the exported behaviour need to know.
const (
	TimeToEnd         time.Duration = endTime
	ScreenshotsAtOnce               = shotsAtOnce
)
