package wire

import (
	"log/slog"
	"strings"
)

// logLevels are the names of the levels of the log.
var logLevels = []string{"debug", "info", "warn", "error"}

// LogLevelName returns the name of a level.
func LogLevelName(level slog.Level) string { return strings.ToLower(level.String()) }

// DecodeLogLevel decodes a request that changes the level of the log.
func DecodeLogLevel(body []byte) (slog.Level, error) {
	o, err := parse(body, []string{"level"})
	if err != nil {
		return 0, err
	}
	name := choice(o, "level", logLevels, "")
	if o.get("level") == nil {
		o.bad.Add("level", "is required; name one of %s", join(logLevels))
	}
	var level slog.Level
	if err := o.bad.Err(); err != nil {
		return 0, err
	}
	return level, level.UnmarshalText([]byte(name))
}
