package config

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const exampleFile = "../../.env.example"

var update = flag.Bool("update", false, "write .env.example anew")

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
