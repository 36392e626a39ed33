package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"github.com/caarlos0/env/v11"
	"github.com/joho/godotenv"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// source holds the unparsed values by variable name, and the source of each value.
type source struct {
	environ map[string]string
	file    map[string]string
	path    string
}

// gather reads the environment and the file. It trims white space around values, because docker's --env-file and
// shells do not remove it.
func gather(environ []string, dotenvPath string) (source, error) {
	s := source{environ: trimmed(env.ToMap(environ)), path: dotenvPath}
	if dotenvPath == "" {
		return s, nil
	}
	text, err := os.ReadFile(dotenvPath) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, fmt.Errorf("cannot read the environment file: %w; make it readable, or remove it", err)
	}
	if text, err = utf8Text(text); err != nil {
		return s, fmt.Errorf("%s is not a readable environment file: %w", dotenvPath, err)
	}
	values, err := godotenv.UnmarshalBytes(text)
	if err != nil {
		// The library's message would contain the rest of the file with its secrets, so it is not passed on.
		return s, fmt.Errorf("%s is not a readable environment file: %s", dotenvPath, explain(string(text)))
	}
	s.file = trimmed(values)
	return s, nil
}

// utf8Text returns the text of a file in UTF-8, without a byte order mark. Editors and shells on Windows write such marks, and
// UTF-16. Without the decoding every name in such a file would be unknown, and be ignored.
func utf8Text(text []byte) ([]byte, error) {
	decoded, _, err := transform.Bytes(unicode.BOMOverride(transform.Nop), text)
	if err != nil || bytes.IndexByte(decoded, 0) >= 0 {
		return nil, errors.New("it is neither UTF-8 nor UTF-16 with a byte order mark; save it as UTF-8")
	}
	return decoded, nil
}

func trimmed(values map[string]string) map[string]string {
	out := make(map[string]string, len(values))
	for k, v := range values {
		out[k] = strings.TrimSpace(v)
	}
	return out
}

// values merges the two sources: an environment variable that is not empty wins over the file.
func (s source) values() map[string]string {
	out := make(map[string]string, len(s.environ)+len(s.file))
	for k, v := range s.file {
		out[k] = v
	}
	for k, v := range s.environ {
		if v != "" || out[k] == "" {
			out[k] = v
		}
	}
	return out
}

// origin says where the value of a variable came from, for error messages.
func (s source) origin(name string) string {
	switch {
	case s.environ[name] != "":
		return "environment"
	case s.file[name] != "":
		return s.path
	default:
		return "default"
	}
}

var assignment = regexp.MustCompile(`^\s*(#|$|(export\s+)?[A-Za-z_][A-Za-z0-9_.]*\s*[=:])`)

// explain finds the line that makes an environment file unreadable, without showing its content.
func explain(text string) string {
	for i, line := range strings.Split(text, "\n") {
		if !assignment.MatchString(line) {
			return fmt.Sprintf("line %d is neither NAME=value nor a comment that starts with #", i+1)
		}
	}
	return "a quoted value is not closed"
}
