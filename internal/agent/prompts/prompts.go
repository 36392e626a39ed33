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
const Version = "ask/4"

// Report names the prompts for reports and data. The journal of a report keeps the version that it began with.
const Report = "report/1"

//go:embed ask3/*.tmpl ask4/*.tmpl report1/*.tmpl
var promptFiles embed.FS

// versions has the templates of each version.
var versions = map[string]*template.Template{
	"ask/3": template.Must(template.ParseFS(promptFiles, "ask3/*.tmpl")),
	"ask/4": template.Must(template.ParseFS(promptFiles, "ask4/*.tmpl")),

	"report/1": template.Must(template.ParseFS(promptFiles, "report1/*.tmpl")),
}

// Known reports whether this program has the prompts of the given version.
func Known(version string) bool { return versions[version] != nil }

// Fill executes the named template of a prompt version. If this program does not know the version, it uses the
// template of the current one (the constant Version).
func Fill(version, name string, data any) (string, error) {
	templates := versions[version]
	if templates == nil {
		templates = versions[Version]
	}
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
