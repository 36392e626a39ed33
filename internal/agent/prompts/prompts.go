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

// Version names the prompts and tools of Ask. It is pinned in a task at its first run; whoever changes a template, a
// tool's description or the order of a conversation raises it.
const Version = "ask/3"

//go:embed *.tmpl
var promptFiles embed.FS

var prompts = template.Must(template.ParseFS(promptFiles, "*.tmpl"))

// Fill fills a template in.
func Fill(name string, data any) (string, error) {
	var b strings.Builder
	if err := prompts.ExecuteTemplate(&b, name+".tmpl", data); err != nil {
		return "", fmt.Errorf("prompt %s: %w", name, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// Mark is the tag around page text. It differs by task, so that a page cannot contain its end, and is the same in
// every run of the task.
func Mark(task uuid.UUID) string {
	sum := sha256.Sum256(append([]byte("untrusted text of "), task[:]...))
	return "page-text-" + hex.EncodeToString(sum[:4])
}

// tagOfText matches what looks like our tag.
var tagOfText = regexp.MustCompile(`(?i)<(/?\s*page-text)`)

// Defuse is text from the web in which nothing looks like our tag.
func Defuse(text string) string { return tagOfText.ReplaceAllString(text, "‹$1") }
