package config

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	exampleFile   = "../../.env.example"
	referenceFile = "../../docs/reference/configuration.md"
)

var update = flag.Bool("update", false, "write .env.example and the reference anew")

// TestExampleFile checks that .env.example has exactly what is generated from Config's fields: every variable with
// its comment, bounds and default.
func TestExampleFile(t *testing.T) {
	t.Parallel()
	want := renderExample(t)
	if *update {
		require.NoError(t, os.WriteFile(exampleFile, []byte(want), 0o644))
	}
	got, err := os.ReadFile(exampleFile)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run: go test ./internal/config -run TestExampleFile -update")

	cfg, err := Load(nil, exampleFile)
	require.NoError(t, err)
	require.Equal(t, load(t), cfg, "the file as it stands is the defaults")
}

// TestReference checks that docs/reference/configuration.md is what is generated from Config's fields.
func TestReference(t *testing.T) {
	t.Parallel()
	want := renderReference(t)
	if *update {
		require.NoError(t, os.WriteFile(referenceFile, []byte(want), 0o644))
	}
	got, err := os.ReadFile(referenceFile)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run: make reference")
}

// TestFieldsAreDocumented checks that each field of Config has the comment and tags that .env.example and error messages need.
func TestFieldsAreDocumented(t *testing.T) {
	t.Parallel()
	comments := fieldComments(t)
	paths := []string{"LEGWORK_HOME", "ARTIFACT_DIR", "LEGWORK_PG_BIN", "LOG_FILE", "ALLOWED_DOMAINS_FILE", "DISALLOWED_DOMAINS_FILE"}
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		name := variable(f)
		require.Regexp(t, `^[A-Z][A-Z0-9_]+$`, name, f.Name)
		require.NotEmpty(t, comments[f.Name], name)
		if f.Tag.Get("must") == "" {
			require.Contains(t, paths, name, "only a path may be anything")
		}
	}
}

func renderExample(t *testing.T) string {
	t.Helper()
	comments := fieldComments(t)
	var b strings.Builder
	b.WriteString("# Settings of legwork with their defaults. Copy this file to .env and change what you need; real environment variables\n" +
		"# win over .env, and an empty value means the default. Put a value with #, $ or quotes in it between 'single quotes'.\n" +
		"# Made from internal/config by: go test ./internal/config -run TestExampleFile -update\n")
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if section := f.Tag.Get("section"); section != "" {
			fmt.Fprintf(&b, "\n# ---- %s ----\n", section)
		}
		b.WriteString("\n")
		for line := range strings.SplitSeq(comments[f.Name], "\n") {
			b.WriteString("# " + line + "\n")
		}
		if must := f.Tag.Get("must"); must != "" {
			b.WriteString("# Must " + must + ".\n")
		}
		fmt.Fprintf(&b, "%s=%s\n", variable(f), f.Tag.Get("envDefault"))
	}
	return b.String()
}

// referenceHead begins the reference. Its links lead to what is explained elsewhere.
const referenceHead = `# Configuration

Settings are environment variables, or lines of a file ` + "`.env`" + ` in the folder in which legwork is started. An environment variable wins over
the file, and an empty value means the default.

With a wrong value legwork does not start: the message has the name of the variable, the value and the allowed values. The same is true for a
misspelt name such as ` + "`DATABASE_ULR`" + `. No signal reloads the settings; the files of certificates and domains are read again when they change.
[.env.example](../../.env.example) is this page as a file to copy. [Give access](../howto/give-access.md) and [Connect
PostgreSQL](../howto/connect-postgresql.md) say how the settings belong together.
`

// names matches the names of settings, values and files in comments.
var names = regexp.MustCompile(`\b[A-Z][A-Z0-9]*_[A-Z0-9_*]+\b|lw_<id>_<secret>|[a-z0-9]+://[^\s,;)]*[^\s,;).:]|\b(?:X-Forwarded-For|Forwarded|LEGWORK_HOME)\b`)

func renderReference(t *testing.T) string {
	t.Helper()
	comments := fieldComments(t)
	var b strings.Builder
	b.WriteString(referenceHead)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if section := f.Tag.Get("section"); section != "" {
			title, rest, _ := strings.Cut(section, " (")
			fmt.Fprintf(&b, "\n## %s\n", title)
			if rest = strings.TrimSuffix(rest, ")"); rest != "" {
				fmt.Fprintf(&b, "\n%s%s.\n", strings.ToUpper(rest[:1]), rest[1:])
			}
		}
		text := strings.ReplaceAll(comments[f.Name], "\n", " ")
		text = names.ReplaceAllString(text, "`$0`")
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n", variable(f), text)
		if must := f.Tag.Get("must"); must != "" {
			fmt.Fprintf(&b, "Must %s. ", strings.ReplaceAll(must, "*", "\\*"))
		}
		if standard := f.Tag.Get("envDefault"); standard != "" {
			fmt.Fprintf(&b, "Default: `%s`.\n", standard)
		} else {
			b.WriteString("Default: empty.\n")
		}
	}
	return b.String()
}

// fieldComments reads the comments of Config's fields from its source.
func fieldComments(t *testing.T) map[string]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	require.NoError(t, err)
	out := map[string]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.Name == "Config" {
			for _, f := range spec.Type.(*ast.StructType).Fields.List {
				out[f.Names[0].Name] = strings.TrimSpace(f.Doc.Text())
			}
		}
		return true
	})
	return out
}
