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

// Version names the prompts and tools of Ask. A task stores it at its first run. Increase it when you change a
// template, a tool's description or the order of a conversation.
const Version = "ask/3"

//go:embed *.tmpl
var promptFiles embed.FS

var prompts = template.Must(template.ParseFS(promptFiles, "*.tmpl"))

// Fill executes a template.
func Fill(name string, data any) (string, error) {
	var b strings.Builder
	if err := prompts.ExecuteTemplate(&b, name+".tmpl", data); err != nil {
		return "", fmt.Errorf("prompt %s: %w", name, err)
	}
	return strings.TrimSpace(b.String()), nil
}

// Mark returns the name of the tag around text from the web. It contains the task's id, so that a page cannot contain the closing
// tag. It is the same in all runs of a task.
func Mark(task uuid.UUID) string {
	sum := sha256.Sum256(append([]byte("untrusted text of "), task[:]...))
	return "page-text-" + hex.EncodeToString(sum[:4])
}

// tagOfText matches the beginning of a tag that looks like ours.
var tagOfText = regexp.MustCompile(`(?i)<(/?\s*page-text)`)

// Defuse changes such beginnings in text from the web, so that the text contains no tag of ours.
func Defuse(text string) string { return tagOfText.ReplaceAllString(text, "‹$1") }
