package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"legwork/queries"
)

// statements are the statements of queries/*.sql by name, with pgbench's variables instead of sqlc's.
type statements map[string]string

var (
	namedQuery  = regexp.MustCompile(`(?m)^-- name: (\w+) :\w+$`)
	comment     = regexp.MustCompile(`(?m)^[ \t]*--.*$`)
	nullableArg = regexp.MustCompile(`sqlc\.narg\('?(\w+)'?\)`)
	embedded    = regexp.MustCompile(`sqlc\.embed\((\w+)\)`)
	argument    = regexp.MustCompile(`(^|[^@])@([a-z]\w*)`)
	blanks      = regexp.MustCompile(`\s+`)
)

func loadStatements() (statements, error) {
	files, err := queries.FS.ReadDir(".")
	if err != nil {
		return nil, err
	}
	all := statements{}
	for _, f := range files {
		raw, err := queries.FS.ReadFile(f.Name())
		if err != nil {
			return nil, err
		}
		text := string(raw)
		heads := namedQuery.FindAllStringSubmatchIndex(text, -1)
		for i, h := range heads {
			end := len(text)
			if i+1 < len(heads) {
				end = heads[i+1][0]
			}
			sql := comment.ReplaceAllString(text[h[1]:end], "")
			sql = nullableArg.ReplaceAllString(sql, ":$1")
			sql = embedded.ReplaceAllString(sql, "$1.*")
			sql = argument.ReplaceAllString(sql, "$1:$2")
			sql = strings.TrimSuffix(strings.TrimSpace(blanks.ReplaceAllString(sql, " ")), ";")
			all[text[h[2]:h[3]]] = sql
		}
	}
	return all, nil
}

// script is a pgbench script in the making.
type script struct {
	all  statements
	text strings.Builder
	err  error
}

// add appends a statement by its name in queries, each variable replaced as told: by another expression, or another
// variable. end is ";" or a command that takes the result, like "\gset".
func (s *script) add(name, end string, replace ...string) {
	sql, ok := s.all[name]
	if !ok {
		s.err = fmt.Errorf("queries has no statement %s any more", name)
		return
	}
	for i := 0; i+1 < len(replace); i += 2 {
		sql = regexp.MustCompile(`(^|[^:]):`+replace[i]+`\b`).ReplaceAllString(sql, "${1}"+replace[i+1])
	}
	s.line(sql + end)
}

func (s *script) line(text string) { s.text.WriteString(text + "\n") }

// pgbenchResult is what pgbench says at its end.
type pgbenchResult struct {
	perSecond float64
	latency   time.Duration // mean
}

var (
	tpsLine       = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)
	latencyLine   = regexp.MustCompile(`(?m)^latency average = ([0-9.]+) ms`)
	processedLine = regexp.MustCompile(`(?m)^number of transactions actually processed: ([0-9]+)`)
)

// runPgbench runs a script with prepared statements for the time of one measurement or, when each is positive, as often
// as that per client: what takes long is counted whole then.
func (b *bench) runPgbench(ctx context.Context, url string, clients, each int, s *script, vars map[string]string) (pgbenchResult, error) {
	var r pgbenchResult
	if s.err != nil {
		return r, s.err
	}
	path := filepath.Join(b.dir, "script.sql")
	if err := os.WriteFile(path, []byte(s.text.String()), 0o600); err != nil {
		return r, err
	}
	args := []string{"-n", "-M", "prepared", "-c", strconv.Itoa(clients), "-j", strconv.Itoa(min(clients, 2)), "-f", path}
	if each > 0 {
		args = append(args, "-t", strconv.Itoa(each))
	} else {
		args = append(args, "-T", strconv.Itoa(max(1, int(b.duration.Round(time.Second).Seconds()))))
	}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		args = append(args, "-D", name+"="+vars[name])
	}
	out, err := b.tryPgbench(ctx, append(args, url))
	if err != nil || strings.Contains(string(out), "aborted") {
		return r, fmt.Errorf("pgbench: %w\n%s\n%s", err, out, s.text.String())
	}
	if m := processedLine.FindSubmatch(out); m == nil || string(m[1]) == "0" {
		return r, fmt.Errorf("pgbench finished no transaction:\n%s", out)
	}
	tps, latency := tpsLine.FindSubmatch(out), latencyLine.FindSubmatch(out)
	if tps == nil || latency == nil {
		return r, fmt.Errorf("pgbench says something new:\n%s", out)
	}
	r.perSecond, _ = strconv.ParseFloat(string(tps[1]), 64)
	ms, _ := strconv.ParseFloat(string(latency[1]), 64)
	r.latency = time.Duration(ms * float64(time.Millisecond))
	return r, nil
}

// tryPgbench runs pgbench again when no client got through its first transaction in time, as happens on a busy machine.
func (b *bench) tryPgbench(ctx context.Context, args []string) (out []byte, err error) {
	for range 5 {
		out, err = exec.CommandContext(ctx, b.pgbench, args...).CombinedOutput()
		if m := processedLine.FindSubmatch(out); err != nil || m != nil && string(m[1]) != "0" {
			break
		}
	}
	return out, err
}

// oneEvent are the replacements that make InsertEvents insert a single event, given as variables.
func oneEvent(seq, kind, terminal, body string) []string {
	return []string{"seqs", "ARRAY[" + seq + "]", "types", "ARRAY[" + kind + "]", "terminals", "ARRAY[" + terminal + "]",
		"bodies", "ARRAY[" + body + "]"}
}

// expand replaces names in a text and joins its lines, as \gset wants it.
func expand(text string, pairs ...string) string {
	return strings.ReplaceAll(strings.NewReplacer(pairs...).Replace(text), "\n", " ")
}
