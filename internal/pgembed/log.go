package pgembed

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxLogBytes is the size of postgres.log, in bytes, at which its content is moved to postgres.log.1. An older postgres.log.1 is replaced.
const maxLogBytes = 16 << 20

// serverLog is the file to which the server writes its messages. The server writes directly, so its last messages are saved even if this
// process has ended. This process only limits the size of the file.
type serverLog struct {
	file  *os.File
	limit int64
	start int64 // offset at which this server's messages begin
}

// openLog opens Home/postgres.log for appending.
func openLog(home string) (*serverLog, error) {
	f, err := os.OpenFile(filepath.Join(home, "postgres.log"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	l := &serverLog{file: f, limit: maxLogBytes}
	if err := l.rotate(); err != nil {
		_ = f.Close()
		return nil, err
	}
	if info, err := f.Stat(); err == nil {
		l.start = info.Size()
	}
	return l, nil
}

// rotate copies the log to postgres.log.1 and empties it, if it has reached maxLogBytes. The server has the file open for appending, so it
// continues in the emptied file. A line written between copying and emptying is lost.
func (l *serverLog) rotate() error {
	info, err := l.file.Stat()
	if err != nil || info.Size() < l.limit {
		return err
	}
	old, err := os.OpenFile(l.file.Name()+".1", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("rotate PostgreSQL's log: %w", err)
	}
	_, err = io.Copy(old, io.NewSectionReader(l.file, 0, info.Size()))
	if cerr := old.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return fmt.Errorf("rotate PostgreSQL's log: %w", err)
	}
	return l.file.Truncate(0)
}

// watch calls rotate at intervals until done is closed. It reports errors to failed.
func (l *serverLog) watch(every time.Duration, done <-chan struct{}, failed func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := l.rotate(); err != nil {
				failed(err)
			}
		case <-done:
			return
		}
	}
}

// tail returns the last lines that this server has logged, at most 8 KiB.
func (l *serverLog) tail() string {
	info, err := l.file.Stat()
	if err != nil {
		return ""
	}
	from := max(l.start, info.Size()-8<<10)
	if info.Size() < l.start { // rotated since the server was started
		from = max(0, info.Size()-8<<10)
	}
	raw, _ := io.ReadAll(io.NewSectionReader(l.file, from, info.Size()-from))
	return lastLines(string(raw), 15)
}

// lastLines returns the last n lines of text, without white space around them.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// untilReady calls ready at once and then every 20 ms. It returns when ready returns true or an error, or when ctx or the process ends.
func untilReady(ctx context.Context, ended <-chan struct{}, ready func() (bool, error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := ready(); ok || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ended:
			return errEnded
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
