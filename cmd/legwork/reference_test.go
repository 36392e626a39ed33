package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/urfave/cli/v3"
)

var updateReference = flag.Bool("update", false, "write docs/reference/cli.md anew")

// TestCommandReference checks that docs/reference/cli.md is what is generated from the commands.
func TestCommandReference(t *testing.T) {
	t.Parallel()
	const file = "../../docs/reference/cli.md"
	p := &program{}
	var b strings.Builder
	b.WriteString("# Commands\n\nAll commands of `legwork`, with their flags. `legwork COMMAND --help` shows the same.\n\n" +
		"The exit status is 0 on success, 1 after an error, and what a command says besides. Settings come from the [environment](configuration.md).\n")
	for _, c := range p.command().Commands {
		describe(&b, c, "legwork "+c.Name)
	}
	if *updateReference {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != b.String() {
		t.Errorf("%s differs from the commands; run: make reference (%v)", file, err)
	}
}

// describe writes the section of a command, or of its subcommands.
func describe(b *strings.Builder, c *cli.Command, name string) {
	if c.Hidden {
		return
	}
	if len(c.Commands) == 0 {
		fmt.Fprintf(b, "\n## %s\n\n", name)
		fmt.Fprintf(b, "%s.\n\n```text\n%s\n```\n", sentence(c.Usage), strings.TrimSpace(name+flagsOf(c)+" "+c.ArgsUsage))
		if c.Description != "" {
			fmt.Fprintf(b, "\n%s\n", strings.ReplaceAll(c.Description, "\n", " "))
		}
		for i, f := range c.Flags {
			if i == 0 {
				b.WriteString("\n| Flag | Default | Meaning |\n|---|---|---|\n")
			}
			doc := f.(cli.DocGenerationFlag)
			value, usage := "", doc.GetUsage()
			if doc.TakesValue() {
				value = " " + strings.ToUpper(f.Names()[0])
			}
			standard := ""
			if doc.IsDefaultVisible() && doc.TakesValue() && doc.GetValue() != "" {
				standard = "`" + strings.Trim(doc.GetValue(), `"`) + "`"
			}
			fmt.Fprintf(b, "| `--%s%s` | %s | %s. |\n", f.Names()[0], value, standard, strings.ReplaceAll(sentence(usage), "|", `\|`))
		}
		return
	}
	for _, sub := range c.Commands {
		describe(b, sub, name+" "+sub.Name)
	}
}

func flagsOf(c *cli.Command) string {
	if len(c.Flags) == 0 {
		return ""
	}
	return " [FLAGS]"
}

// sentence begins a text with a capital letter, unless it begins with a name.
func sentence(s string) string {
	if s == "" || strings.ToLower(s[:1]) != s[:1] {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
