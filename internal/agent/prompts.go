package agent

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

// PromptVersion names the prompts and tools of Ask. It is pinned in a task at its first run; whoever changes a template, a
// tool's description or the order of a conversation raises it.
const PromptVersion = "ask/3"

//go:embed prompts/*.tmpl
var promptFiles embed.FS

var prompts = template.Must(template.ParseFS(promptFiles, "prompts/*.tmpl"))

// prompt fills a template in.
func prompt(name string, data any) (string, error) {
	var b strings.Builder
	if err := prompts.ExecuteTemplate(&b, name+".tmpl", data); err != nil {
		return "", fmt.Errorf("prompt %s: %w", name, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// untrustedMark is the tag around page text. It differs by task, so that a page cannot contain its end, and is the same in
// every run of the task.
func untrustedMark(task uuid.UUID) string {
	sum := sha256.Sum256(append([]byte("untrusted text of "), task[:]...))
	return "page-text-" + hex.EncodeToString(sum[:4])
}

// tagOfText matches what looks like our tag.
var tagOfText = regexp.MustCompile(`(?i)<(/?\s*page-text)`)

// defused is text from the web in which nothing looks like our tag.
func defused(text string) string { return tagOfText.ReplaceAllString(text, "‹$1") }
