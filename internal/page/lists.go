package page

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	listCheck   = time.Second // a file is checked at most this often
	maxListFile = 4 << 20     // bytes
)

// Lists are the operator's two lists of domains. Each list is a file, which is read again when it changes. If a file does not exist at the
// start, or has no entries, there is no such list. If a file later becomes unreadable or is removed, the last valid list stays in force, so
// that an accident never allows all domains. To remove a list, empty its file. A nil *Lists refuses nothing. Lists is safe for concurrent
// use.
type Lists struct {
	allowed, disallowed *listFile
}

// OpenLists reads the two files. Each line is a pattern: a domain, which includes its subdomains; "*.example.com" for the subdomains only;
// or a host name with asterisks that match any characters, such as "*.example.*". Empty lines and text after # are ignored. If a line is
// not a valid pattern, the error names the file and the line.
func OpenLists(allowed, disallowed string, log *slog.Logger) (*Lists, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l := &Lists{allowed: &listFile{path: allowed, log: log, now: time.Now}, disallowed: &listFile{path: disallowed, log: log, now: time.Now}}
	return l, errors.Join(l.allowed.load(), l.disallowed.load())
}

// Refuse returns a sentence that says why host may not be opened, or an empty string if it may be opened.
func (l *Lists) Refuse(host string) string {
	if why := l.Denied(host); why != "" || l == nil {
		return why
	}
	if patterns := l.allowed.patterns(); len(patterns) > 0 && matching(patterns, host) == "" {
		return fmt.Sprintf("%s is not on this server's list of domains that may be opened.", bareHost(host))
	}
	return ""
}

// Denied checks only the list of disallowed domains. This list also applies to the parts of a page, such as scripts and frames.
func (l *Lists) Denied(host string) string {
	if l == nil {
		return ""
	}
	if p := matching(l.disallowed.patterns(), host); p != "" {
		return fmt.Sprintf("%s is on this server's list of domains that are never opened (%s).", bareHost(host), p)
	}
	return ""
}

func matching(patterns []string, host string) string {
	for _, p := range patterns {
		if MatchDomain(p, host) {
			return p
		}
		if strings.Contains(strings.TrimPrefix(p, "*."), "*") {
			if ok, err := path.Match(p, bareHost(host)); ok && err == nil {
				return p
			}
		}
	}
	return ""
}

// listFile is a file of patterns.
type listFile struct {
	path string // empty: there is no file
	log  *slog.Logger
	now  func() time.Time

	mu      sync.Mutex
	checked time.Time
	state   fileState // version of the file that was read last, valid or not
	content []string
}

// fileState identifies a version of a file. The zero value means that the file does not exist.
type fileState struct {
	changed time.Time
	size    int64
}

// patterns returns the current list.
func (f *listFile) patterns() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := f.now(); f.path != "" && now.Sub(f.checked) >= listCheck {
		f.checked = now
		if err := f.read(); err != nil {
			f.log.Error("a list of domains cannot be read; the last valid one is still used", "file", f.path, "entries", len(f.content), "error", err)
		}
	}
	return f.content
}

func (f *listFile) load() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.checked = f.now()
	return f.read()
}

// read reads the file if it has changed. Each version is read once.
func (f *listFile) read() error {
	if f.path == "" {
		return nil
	}
	var state fileState
	info, err := os.Stat(f.path)
	switch {
	case err == nil:
		state = fileState{info.ModTime(), info.Size()}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the list of domains %s: %w", f.path, err)
	}
	if state == f.state {
		return nil
	}
	f.state = state
	if err != nil && len(f.content) > 0 {
		return fmt.Errorf("the list of domains %s was removed; to end a list, empty its file", f.path)
	}
	var text []byte
	if err == nil {
		if info.Size() > maxListFile {
			return fmt.Errorf("the list of domains %s is larger than %d MiB", f.path, maxListFile>>20)
		}
		if text, err = os.ReadFile(f.path); err != nil {
			return fmt.Errorf("the list of domains: %w", err)
		}
	}
	content, err := parseList(text)
	if err != nil {
		return fmt.Errorf("the list of domains %s: %w", f.path, err)
	}
	if len(content)+len(f.content) > 0 {
		f.log.Info("a list of domains was read", "file", f.path, "entries", len(content))
	}
	f.content = content
	return nil
}

// parseList parses the lines of a list.
func parseList(text []byte) ([]string, error) {
	if !utf8.Valid(text) {
		return nil, errors.New("it is not UTF-8 text")
	}
	var out []string
	n := 0
	for line := range strings.Lines(string(bytes.TrimPrefix(text, []byte("\uFEFF")))) {
		n++
		line, _, _ = strings.Cut(line, "#")
		if line = strings.ToLower(strings.TrimSpace(line)); line == "" {
			continue
		}
		if !isPattern(line) {
			return nil, fmt.Errorf("line %d is not a domain like example.com, *.example.com or *.example.*: %.100q", n, line)
		}
		out = append(out, line)
	}
	return out, nil
}

func isPattern(s string) bool {
	if strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`/\@?,;"'`, r)
	}) {
		return false
	}
	if strings.Contains(strings.TrimPrefix(s, "*."), "*") {
		_, err := path.Match(s, "")
		return err == nil
	}
	return bareHost(strings.TrimPrefix(s, "*.")) != ""
}
