package research

import (
	"time"

	"github.com/google/uuid"
)

// Page is a snapshot: the extracted text of a document, stored once per content.
type Page struct {
	ID       string // lower-case hex SHA-256 of Text
	Title    string // of its first visit; may be empty
	Language string // BCP 47 primary subtag, lower case ("en"); empty: unknown
	Text     string // Markdown, cleaned: valid UTF-8 without NUL
	Passages []Passage

	// What the document says of itself. It belongs to the visit, because the same text may say different things
	// at another address.
	Canonical   string     // its own address, absolute, on the same site; empty: it names none
	PublishedAt *time.Time // UTC; nil: unknown
	ModifiedAt  *time.Time // UTC; by the document or the Last-Modified header; nil: unknown
}

// Passage is a span of a page, small enough to be cited whole.
type Passage struct {
	Ord        int    // position in the page, from 0
	Start, End int    // code points into Page.Text, End exclusive, at most MaxExcerpt apart
	Heading    string // headings above it, outermost first, joined with " › "; may be empty
}

// MaxExcerpt is the greatest length of a citation's excerpt and of a passage, in code points.
const MaxExcerpt = 400

// Link is a hyperlink on a page. Journals and visits store it as JSON, with short names because a page has
// hundreds of links.
type Link struct {
	URL     string `json:"u"`           // absolute, without fragment
	Text    string `json:"t,omitempty"` // anchor text, runs of white space as one space
	Context string `json:"c,omitempty"` // text of the enclosing block, cut to 200 code points; it often says what the link is about
	Heading string `json:"h,omitempty"` // nearest heading above it
	Frag    string `json:"f,omitempty"` // the fragment that was cut off URL, without '#'
}

// Outcome classifies a page load. OutcomeOK is the only success.
type Outcome string

// Outcomes of a page load, as stored in visits and shown in tool results.
const (
	OutcomeOK          Outcome = "ok"
	OutcomeNotFound    Outcome = "not_found"       // 404, 410
	OutcomeForbidden   Outcome = "forbidden"       // 401, 403
	OutcomeRateLimited Outcome = "rate_limited"    // 429
	OutcomeServerError Outcome = "server_error"    // 5xx
	OutcomeHTTPError   Outcome = "http_error"      // any other status than a success
	OutcomeRobots      Outcome = "robots"          // robots.txt forbids it
	OutcomePolicy      Outcome = "policy"          // allow and deny lists, depth or domain rules forbid it
	OutcomeNetwork     Outcome = "refused_network" // private, loopback, link-local or metadata address
	OutcomeBadURL      Outcome = "bad_url"         // not an absolute http(s) URL
	OutcomeDNS         Outcome = "dns"             // the host name does not resolve
	OutcomeConnection  Outcome = "connection"      // refused, reset or cut
	OutcomeTLS         Outcome = "tls"             // certificate or handshake
	OutcomeTimeout     Outcome = "timeout"         // too slow
	OutcomeRedirects   Outcome = "redirects"       // too many, or in a circle
	OutcomeTooLarge    Outcome = "too_large"       // more bytes than allowed, compressed or not
	OutcomeType        Outcome = "unreadable_type" // not HTML, text or another type we read
	OutcomeEmpty       Outcome = "empty"           // no text in it
	OutcomeBlocked     Outcome = "blocked"         // CAPTCHA or login wall
)

// Transient reports whether the same load may succeed a little later.
func (o Outcome) Transient() bool {
	switch o {
	case OutcomeRateLimited, OutcomeServerError, OutcomeDNS, OutcomeConnection, OutcomeTimeout:
		return true
	}
	return false
}

// Visit is one reading of one URL, good or bad.
type Visit struct {
	ID        uuid.UUID
	URL       string // as asked for
	FinalURL  string // after redirects; equals URL when there were none
	Outcome   Outcome
	Message   string // a sentence for the model and the user; empty when OK
	Status    int    // HTTP status; 0 when there was no response
	Title     string
	Page      *Page // nil unless OK
	Depth     int   // 0 for a start page
	Bytes     int64 // of the body as received
	Duration  time.Duration
	FetchedAt time.Time
	Links     []Link  // links of the page; stored in the step, and with the visit for other tasks that read its snapshot
	Cached    bool    // read from the snapshot of a visit at FetchedAt; no request was made
	Rendered  bool    // the text is that of the page after its scripts ran in a browser; not stored either
	Kept      float64 // the part, 0 to 1, that the text has of the letters shown outside links; 0: not measured; not stored either
	Note      string  // a sentence about how the page was read, when that is worth knowing; not stored either
}

// Evidence is a quote that a task keeps as a source: Excerpt equals the page's text from Start to End. A piece of evidence
// that the answer cites has a marker; it is what the API calls a citation.
type Evidence struct {
	Number     int       // within the task, from 1, in the order in which it was kept
	Marker     int       // the number in brackets by which the answer cites it, from 1; 0: not cited
	PageID     string    // the snapshot
	VisitID    uuid.UUID // the visit that read it
	URL        string    // absolute
	Title      string    // falls back to the host
	Excerpt    string    // at most MaxExcerpt code points; taken from the snapshot by the database
	Start, End int       // code points into the snapshot
	Verified   bool
	Support    string // supported, partial, unsupported, unchecked
	AccessedAt time.Time
	// PublishedAt is the date that the page names; nil: it names none.
	PublishedAt *time.Time
	// ScreenshotURL is the address of the picture of the page, root-relative; empty: there is none.
	ScreenshotURL string
}

// PageVisit is a visit as a task's list of pages shows it. Its page has no text.
type PageVisit struct {
	Visit
	Chars int // length of the snapshot in code points; 0 where there is none
	Cited int // how many citations of the answer are on the snapshot
}

// ScreenshotURL is the address of a task's picture, root-relative.
func ScreenshotURL(task uuid.UUID, name string) string {
	return "/api/tasks/" + task.String() + "/screenshots/" + name
}

// Verdicts on whether a quote supports the sentences that use it. They do not affect Verified.
const (
	Supported   = "supported"
	Partial     = "partial"
	Unsupported = "unsupported"
	Unchecked   = "unchecked"
)

// Hit is a ranked passage of a page that a task read or that the library has.
type Hit struct {
	Passage
	PageID  string
	VisitID uuid.UUID // the newest visit that read the page
	URL     string
	Title   string
	Text    string   // the passage itself
	Rank    float64  // PostgreSQL's ts_rank_cd over the query; comparable within one query only
	Matched []string // the question's lexemes that stand in the passage
	Headed  []string // the question's lexemes that stand in the page's title or the headings above
}

// StepKind distinguishes model replies from tool results.
type StepKind string

// The kinds of step.
const (
	ModelStep StepKind = "model"
	ToolStep  StepKind = "tool"
)

// Step is one journaled model reply or tool result. A run that finds a step in the journal never repeats its
// call.
type Step struct {
	Turn, CallNo int // the key, chosen before the call; both from 1
	Try          int // try in which it was made
	Kind         StepKind
	Tool         string // tool name; empty for a model reply
	Args         []byte // JSON object; the tool's arguments
	Result       []byte // JSON, stored byte for byte: the model's reply or the tool's result
	Success      bool
	Duration     time.Duration
	InputTokens  int64
	OutputTokens int64
	CostUSD      *float64 // of a model reply; nil: its model has no price

	// These are written with the step in one transaction, but are not columns of its journal row.
	Events   []Event
	Visit    *Visit
	Evidence []Evidence // Excerpt is filled in by the database
	Artifact *Artifact  // a file that was just written, such as a picture
	Shows    []int      // numbers of the evidence whose page Artifact shows
}
