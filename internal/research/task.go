package research

import (
	"time"

	"github.com/google/uuid"
)

// DefaultAccount is an account that exists in every database. Without access control it is the only account.
const DefaultAccount = "default"

// Engine names a search engine.
type Engine string

// The search engines that a task may ask for. If the server does not have the engine, it uses another one, and an event
// says so.
const (
	DuckDuckGo Engine = "duckduckgo"
	Bing       Engine = "bing"
	Google     Engine = "google"
	Custom     Engine = "custom"
	Library    Engine = "library" // full-text search over the pages that the account has read
)

// Engines lists every engine.
var Engines = []Engine{DuckDuckGo, Bing, Google, Custom, Library}

// Priority orders waiting tasks.
type Priority string

// The priorities. Among waiting tasks, those with a higher priority start first.
const (
	Low    Priority = "low"
	Normal Priority = "normal"
	High   Priority = "high"
)

// Priorities lists every priority.
var Priorities = []Priority{Low, Normal, High}

// Effort says how much work a task may be.
type Effort string

// The efforts.
const (
	Quick    Effort = "quick"    // few pages, and one or two calls of the model
	Standard Effort = "standard" // the model chooses the searches and pages
	Deep     Effort = "deep"     // the question is divided into tasks of their own
)

// Efforts lists every effort.
var Efforts = []Effort{Quick, Standard, Deep}

// Format is the form of an answer.
type Format string

// The formats.
const (
	FormatAnswer Format = "answer" // a direct answer
	FormatReport Format = "report" // a title, a summary, sections, open questions, limits and sources
)

// Formats lists every format.
var Formats = []Format{FormatAnswer, FormatReport}

// Bounds of Options.Length, and the length of a report when none is given, in words.
const (
	MinLength    = 100
	MaxLength    = 20_000
	ReportLength = 1500
)

// Options are the user's choices for one task, with the defaults filled in.
type Options struct {
	Effort             Effort         // how much work the task may be
	Format             Format         // the form of the answer
	Length             int            // words of the answer that are wanted, MinLength..MaxLength; 0 means that none were named
	OutputSchema       []byte         // JSON Schema of Result.Data, as it was sent; nil when no data is wanted
	SeedURL            string         // absolute http(s) URL to start from, stored as it was sent; empty when there is none
	MaxDepth           int            // greatest number of links followed in a row from a start page, 1..5
	MaxPages           int            // greatest number of pages opened, 1..50
	TimeBudget         time.Duration  // running time after which research ends and the answer is written
	MaxTokens          int64          // input and output tokens of the model after which research ends; 0 means the server's limit
	SearchEngine       Engine         // the engine that the user asked for
	MaxResults         int            // search results that are considered per query, 1..50
	SafeMode           bool           // whether engines are asked to leave out explicit results
	SameDomainOnly     bool           // whether only pages on the registrable domain of SeedURL are opened
	AllowExternalLinks bool           // whether links to other registrable domains than that of their page are followed
	AllowDomains       []string       // when not empty, only these domains (and their subdomains) are opened
	DenyDomains        []string       // domains (and their subdomains) that are never opened
	ConfirmPlan        bool           // whether a deep task waits until its plan is confirmed
	Fresh              bool           // whether every page is requested, even if an earlier task has just read it
	Metadata           map[string]any // the caller's own data, returned unchanged
}

// Author is who submitted a task. The zero value means an operator, or anybody if the server has no access control.
type Author struct {
	UserID *uuid.UUID // nil if no user is known
	KeyID  string     // id of the API key; empty if none was used
}

// Origin says which request made a task, for logs and traces.
type Origin struct {
	Request string // id of the request; empty if no request made the task
	Trace   string // the span that made the task, as a traceparent; empty if it was not traced
}

// NewTask is a validated submission.
type NewTask struct {
	Question string
	Options  Options
	Priority Priority
	ParentID *uuid.UUID // the task that this one follows up; nil when it is no follow-up
	Context  *Context   `json:"-"` // question and answer of the parent; filled in at submission
	Request  []byte     `json:"-"` // the request as it was sent, in canonical form, for idempotency keys; nil when not sent as JSON
	By       Author     `json:"-"` // who submits it
	From     Origin     `json:"-"` // the request that submits it
}

// Task is one question with its options, its state and its result.
type Task struct {
	ID          uuid.UUID // UUIDv7, so ids sort by creation
	AccountID   string
	ParentID    *uuid.UUID
	ChildOf     *uuid.UUID // the deep task whose sub-question this is; nil for any other task
	WaitingFor  Waiting
	Status      Status
	Question    string
	Options     Options
	Priority    Priority
	CreatedAt   time.Time
	StartedAt   *time.Time // when the first run started
	CompletedAt *time.Time // when the task reached its terminal status
	Duration    *float64   // seconds from StartedAt to CompletedAt; nil while either is missing

	Answer     *string
	Confidence *float64 // 0..1
	Answered   *bool    // whether Answer answers the question; false if it only says that nothing was found; nil if not completed, or completed by an older version
	Error      *string  // a sentence for the user
	ErrorCode  *string
	Metadata   map[string]any // metadata of the result; never nil in a loaded task

	Data           []byte // JSON object by Options.OutputSchema; nil when there is none
	DataBasis      []Basis
	Contradictions []Contradiction

	Citations   []Evidence // the evidence that the answer cites, by Marker
	Screenshots []string   // root-relative URLs
	Usage       Usage
	LastSeq     int64    // seq of the newest event
	Try         int      // 1 on the first run; +1 after each transient failure
	Pin         Pin      // provider, model and prompt of the first run; zero before the first run
	Context     *Context // for a follow-up: what it got from its parent; otherwise nil
	By          Author   // who submitted it
	From        Origin   // the request that submitted it

	// MoreTasks is set by the submission of the task only: how many more tasks may be submitted. It is nil if nothing limits that.
	MoreTasks *Allowance
}

// Usage counts what a task has used so far.
type Usage struct {
	Pages        int           // pages opened
	ToolCalls    int           // journaled tool results
	ModelCalls   int           // journaled model replies
	InputTokens  int64         // as counted by the provider
	OutputTokens int64         // as counted by the provider
	CachedTokens int64         // the part of InputTokens that the provider took from its cache
	CostUSD      *float64      // at the prices that were configured when the calls were made; nil if no call had a price
	Running      time.Duration // time spent in runs
}

// Result is the result of a run that completed its task.
type Result struct {
	Answer     string
	Confidence float64 // 0..1
	NotFound   bool    // Answer says that the pages read do not answer the question
	Metadata   map[string]any
	Plan       *Plan          // set instead of an answer: the task waits for the answers to these questions
	Cited      []int          // numbers of the evidence that the answer cites; Cited[i] has the marker [i+1]
	Support    map[int]string // Evidence.Support by evidence number; a number is missing if its support was not checked
	Sources    map[int]int    // Evidence.Source by evidence number

	Data           []byte // JSON object by Options.OutputSchema; nil when there is none
	DataBasis      []Basis
	Contradictions []Contradiction
}

// Basis names the quotes that carry one value of Result.Data.
type Basis struct {
	Path      string `json:"path"`      // JSON Pointer (RFC 6901)
	Citations []int  `json:"citations"` // markers; never empty
}

// Contradiction is a point on which sources contradict each other.
type Contradiction struct {
	About     string `json:"about"`            // a sentence
	Citations []int  `json:"citations"`        // markers of the quotes, at least two
	Newest    int    `json:"newest,omitempty"` // marker of the newest quote; 0 if the dates of the sources do not tell
}

// Kinds of artifacts.
const (
	KindResult     = "result"     // the task with its answer, as JSON
	KindReport     = "report"     // a report with its quotes, as Markdown
	KindSources    = "sources"    // the pages that were read, as JSON
	KindLogs       = "logs"       // the events as text
	KindScreenshot = "screenshot" // a picture of a page
)

// Artifact is a file of a task.
type Artifact struct {
	Name        string
	Kind        string // one of the Kind constants
	ContentType string
	Bytes       int64
	StoreID     string // the id of the store that has the file; empty means not known
	CreatedAt   time.Time
}

// Worker is a live worker process.
type Worker struct {
	ID          uuid.UUID
	Slots       int    // how many tasks the worker runs at the same time
	Queue       string // the queue of River from which the worker takes runs; empty means the one for the tasks of everybody
	Version     string
	Host        string
	StartedAt   time.Time
	HeartbeatAt time.Time // by the clock of the database
	Running     int       // number of tasks that the worker runs now
	Pin         Pin       // the pin that tasks get whose first run is on this worker
}

// Pin names the provider, model and prompts with which a task began. All later runs of the task use the same.
type Pin struct {
	Provider string // "reader" for the built-in reader
	Model    string
	Prompt   string // version of the prompts, or of the reader's planner
}

// Context is what a follow-up gets from its parent task, besides a copy of the parent's evidence.
type Context struct {
	Questions []string `json:"questions"` // the questions of all earlier tasks, oldest first; the last one is the parent's
	Answer    string   `json:"answer"`    // the parent's answer
}

// Inherited is a piece of evidence that a follow-up got from its parent task, with facts about its page.
type Inherited struct {
	Evidence
	Language  string
	PageTitle string
	Chars     int // code points of the page's text
	Passages  int // number of passages of the page
}
