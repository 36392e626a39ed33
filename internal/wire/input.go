package wire

import (
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"

	"legwork/internal/research"
	"legwork/internal/weburl"
)

// These are bounds of the contract that no configuration changes. The lengths of texts are in code points.
const (
	MaxQuestion   = 1000
	MaxSeedURL    = 2048
	MaxReason     = 200
	MaxDomains    = 100
	MaxMetadata   = 16 << 10 // bytes of the JSON text, as sent
	MinTokens     = 1000
	MostTokens    = 1_000_000_000
	maxMetaLevels = 32 // of nested objects and lists in metadata
)

// Defaults of a task with the effort quick. They replace those of the contract.
const (
	quickPages   = 4
	quickDepth   = 2
	quickResults = 5
	quickBudget  = 30 * time.Second // or the server's smallest or default time budget
)

// Limits are the bounds that the configuration sets.
type Limits struct {
	MinBudget, DefaultBudget, MaxBudget time.Duration // TASK_MIN_TIME_BUDGET etc., in whole seconds
	MaxTokens                           int64         // TASK_MAX_TOKENS; 0 means MostTokens
}

// newTaskFields are the keys of a submission.
var newTaskFields = []string{
	"question", "seedUrl", "maxDepth", "maxPages", "timeBudget", "maxTokens", "searchEngine", "maxResults", "safeMode", "sameDomainOnly",
	"allowExternalLinks", "allowDomains", "denyDomains", "fresh", "metadata", "priority", "parentTaskId", "effort", "confirmPlan", "format", "length", "outputSchema",
}

// DecodeNewTask decodes a submission and fills in the defaults. Its error is a *research.ValidationError with every invalid
// field. The caller must check whether the parent task exists.
func DecodeNewTask(body []byte, limits Limits) (research.NewTask, error) {
	o, err := parse(body, newTaskFields)
	if err != nil {
		return research.NewTask{}, err
	}
	effort := choice(o, "effort", research.Efforts, research.Standard)
	pages, mostPages, links, results := 20, 50, 3, 10
	switch effort {
	case research.Quick:
		pages, links, results = quickPages, quickDepth, quickResults
	case research.Deep:
		pages, mostPages, limits = research.DeepDefaultPages, research.DeepMaxPages, limits.deep()
	case research.Standard:
	}
	in := research.NewTask{
		Question: o.question(),
		Options: research.Options{
			SeedURL:            o.seedURL(),
			MaxDepth:           o.integer("maxDepth", 1, 5, links),
			MaxPages:           o.integer("maxPages", 1, mostPages, pages),
			TimeBudget:         o.timeBudget(limits, effort),
			MaxTokens:          o.maxTokens(limits),
			SearchEngine:       choice(o, "searchEngine", research.Engines, research.DuckDuckGo),
			MaxResults:         o.integer("maxResults", 1, 50, results),
			SafeMode:           o.boolean("safeMode", true),
			SameDomainOnly:     o.boolean("sameDomainOnly", false),
			AllowExternalLinks: o.boolean("allowExternalLinks", true),
			AllowDomains:       o.domains("allowDomains"),
			DenyDomains:        o.domains("denyDomains"),
			Fresh:              o.boolean("fresh", false),
			Metadata:           o.metadata("metadata"),
			ConfirmPlan:        o.confirmPlan(effort),
		},
		Priority: choice(o, "priority", research.Priorities, research.Normal),
		ParentID: o.taskID("parentTaskId"),
	}
	o.form(&in.Options, effort)
	if err := o.bad.Err(); err != nil {
		return research.NewTask{}, err
	}
	in.Request, err = o.canonical(newTaskFields)
	return in, err
}

// DecodeReason decodes the body of a cancel or a delete. For an empty body, null or a blank reason it returns "".
func DecodeReason(body []byte) (string, error) {
	if b := strings.TrimSpace(string(body)); b == "" || b == "null" {
		return "", nil
	}
	o, err := parse(body, []string{"reason"})
	if err != nil {
		return "", err
	}
	reason, ok := o.text("reason")
	switch {
	case !ok:
	case utf8.RuneCountInString(reason) > MaxReason:
		o.bad.Add("reason", "must have at most %d characters", MaxReason)
	case strings.ContainsRune(reason, 0):
		o.bad.Add("reason", "must not contain the NUL character")
	case blank(reason):
		reason = ""
	}
	return reason, o.bad.Err()
}

func (o *object) question() string {
	q, ok := o.text("question")
	if !ok {
		if o.get("question") == nil {
			o.bad.Add("question", "is required")
		}
		return ""
	}
	switch {
	case strings.ContainsRune(q, 0):
		o.bad.Add("question", "must not contain the NUL character")
	case blank(q):
		o.bad.Add("question", "must not be blank")
	case utf8.RuneCountInString(q) > MaxQuestion:
		o.bad.Add("question", "must have at most %d characters", MaxQuestion)
	}
	return q
}

// blank reports whether s has only space, control and format characters, so that a person would see nothing.
func blank(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) })
}

func (o *object) seedURL() string {
	s, ok := o.text("seedUrl")
	if !ok {
		return ""
	}
	_, err := weburl.Parse(s)
	switch {
	case utf8.RuneCountInString(s) > MaxSeedURL:
		o.bad.Add("seedUrl", "must have at most %d characters", MaxSeedURL)
	case strings.ContainsRune(s, 0):
		o.bad.Add("seedUrl", "must not contain the NUL character")
	case errors.Is(err, weburl.ErrCredentials):
		o.bad.Add("seedUrl", "must not contain a user name or password; legwork does not sign in to sites")
	case err != nil: // the message does not repeat the URL, because the URL may contain a password
		o.bad.Add("seedUrl", "must be an absolute http or https URL with a host, such as https://example.com/page")
	}
	return s
}

func (o *object) timeBudget(l Limits, effort research.Effort) time.Duration {
	low, high, usual := int(l.MinBudget/time.Second), int(l.MaxBudget/time.Second), l.DefaultBudget
	if effort == research.Quick {
		usual = max(l.MinBudget, min(usual, quickBudget))
	}
	return time.Duration(o.integer("timeBudget", low, high, int(usual/time.Second))) * time.Second
}

// maxTokens reads the limit on a task's tokens. It returns 0 when the field is absent.
func (o *object) maxTokens(l Limits) int64 {
	if o.get("maxTokens") == nil {
		return 0
	}
	most := l.MaxTokens
	if most <= 0 {
		most = MostTokens
	}
	return int64(o.integer("maxTokens", MinTokens, int(most), MinTokens))
}

// taskID reads a UUID in its usual form of 36 characters.
func (o *object) taskID(name string) *uuid.UUID {
	s, ok := o.text(name)
	if !ok {
		return nil
	}
	id, err := ParseID(s)
	if err != nil {
		o.bad.Add(name, "must be the id of an existing task, a UUID")
		return nil
	}
	return &id
}

// ParseID reads a task id, a UUID in its usual form of 36 characters. For any other string it returns research.ErrNotFound,
// because no task has such an id.
func ParseID(s string) (uuid.UUID, error) {
	if len(s) != 36 {
		return uuid.UUID{}, research.ErrNotFound
	}
	id, err := uuid.Parse(s)
	if err != nil {
		return uuid.UUID{}, research.ErrNotFound
	}
	return id, nil
}
