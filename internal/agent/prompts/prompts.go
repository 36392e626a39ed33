package prompts

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"text/template"

	"github.com/google/uuid"
)

// Version names the prompts that new tasks use. A task stores it at its first run and keeps it. To change a template,
// copy the folder of the current version to a new folder, change the template there, and increase Version. Do not
// delete the folder of a version that was part of a release, because unfinished tasks still use it.
const Version = "ask/6"

// Report names the prompts for reports and data. The journal of a report keeps the version that it began with.
const Report = "report/2"

//go:embed ask3/*.tmpl ask4/*.tmpl ask5/*.tmpl ask6/*.tmpl report1/*.tmpl report2/*.tmpl
var promptFiles embed.FS

// versions has the templates of each version.
var versions = map[string]*template.Template{
	"ask/3": template.Must(template.ParseFS(promptFiles, "ask3/*.tmpl")),
	"ask/4": template.Must(template.ParseFS(promptFiles, "ask4/*.tmpl")),
	"ask/5": template.Must(template.ParseFS(promptFiles, "ask5/*.tmpl")),
	"ask/6": template.Must(template.ParseFS(promptFiles, "ask6/*.tmpl")),

	"report/2": template.Must(template.ParseFS(promptFiles, "report2/*.tmpl")),
	"report/1": template.Must(template.ParseFS(promptFiles, "report1/*.tmpl")),
}

// Known reports whether this program has the prompts of the given version.
func Known(version string) bool { return versions[version] != nil }

// Fill executes the named template of a prompt version. If this program does not know the version, or the version has no
// such template, it uses the template of the current one (the constant Version).
func Fill(version, name string, data any) (string, error) {
	templates := versions[version]
	if templates == nil || templates.Lookup(name+".tmpl") == nil {
		templates = versions[Version]
	}
	return execute(templates, name, data)
}

// System fills a template for a system message. What differs between tasks stands at its end, in a template of its own
// with "_end" behind the name, so that providers can keep what is before it in their caches. fixed is the length of the
// part before it in bytes. It is 0 for a version without such a template.
func System(version, name string, data any) (text string, fixed int, err error) {
	if text, err = Fill(version, name, data); err != nil {
		return "", 0, err
	}
	templates := versions[version]
	if templates == nil {
		templates = versions[Version]
	}
	if templates.Lookup(name+"_end.tmpl") == nil {
		return text, 0, nil
	}
	end, err := execute(templates, name+"_end", data)
	return text + "\n\n" + end, len(text), err
}

func execute(templates *template.Template, name string, data any) (string, error) {
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, name+".tmpl", data); err != nil {
		return "", fmt.Errorf("prompt %s: %w", name, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// Mark returns the name of the tag around text from the web. It contains a hash of the task's id, so that a page cannot
// know the closing tag. It is the same in all runs of a task.
func Mark(task uuid.UUID) string {
	sum := sha256.Sum256(append([]byte("untrusted text of "), task[:]...))
	return "page-text-" + hex.EncodeToString(sum[:4])
}

// tagOfText matches the beginning of a tag that looks like ours.
var tagOfText = regexp.MustCompile(`(?i)<(/?\s*page-text)`)

// Defuse makes text from the web safe to put inside our tag (see Mark). Wherever the text has something that looks like
// the beginning of the tag, Defuse replaces the "<". So the text cannot close the tag early.
func Defuse(text string) string { return tagOfText.ReplaceAllString(text, "‹$1") }
