package research

import (
	"time"

	"github.com/google/uuid"
)

// Page is a snapshot: the extracted text of a document, stored once per content.
type Page struct {
	ID       string // lower-case hex SHA-256 of Text
	Title    string // title at its first visit; may be empty
	Language string // BCP 47 primary subtag, lower case ("en"); empty when unknown
	Text     string // Markdown in valid UTF-8 without NUL
	Passages []Passage
	Blocks   []Block // in order, without overlap; nil if not known, as in snapshots that older versions stored

	// Metadata of the document. Each visit stores its own, because the same text may have other metadata at another URL.
	Canonical   string     // the canonical URL that the document names, absolute, on the same site; empty when it names none
	PublishedAt *time.Time // UTC; nil when unknown
	ModifiedAt  *time.Time // UTC, from the document or the Last-Modified header; nil when unknown
	Kind        SourceKind
}

// SourceKind says what kind of source a page is, as far as its address and its own statements tell.
type SourceKind string

// The kinds of sources. The empty kind means that it is not known.
const (
	SourcePrimary SourceKind = "primary" // a public authority, a law, a data set or a scientific article
	SourceDocs    SourceKind = "docs"    // documentation of a product or a project
	SourceNews    SourceKind = "news"    // a newspaper, a magazine or an agency
	SourceForum   SourceKind = "forum"   // a discussion, or questions with answers
)

// Passage is a span of a page, small enough to be cited whole.
type Passage struct {
	Ord        int    // position in the page, from 0
	Start, End int    // offsets in code points in Page.Text, End exclusive; at most MaxExcerpt apart
	Heading    string // headings above the passage, outermost first, joined with " › "; may be empty
}

// MaxExcerpt is the greatest length of a citation's excerpt and of a passage, in code points.
const MaxExcerpt = 400

// Link is a hyperlink on a page. Journals and visits store it as JSON, with short names because a page has
// hundreds of links.
type Link struct {
	URL     string `json:"u"`           // absolute, without fragment
	Text    string `json:"t,omitempty"` // anchor text, runs of white space as one space
	Context string `json:"c,omitempty"` // text of the enclosing block, at most 200 code points, which often describes the link
	Heading string `json:"h,omitempty"` // nearest heading above the link
	Frag    string `json:"f,omitempty"` // fragment of the link, without '#'; URL does not contain it
}

// Outcome is the result of a page load. OutcomeOK is the only success.
type Outcome string

// Outcomes of a page load, as stored in visits and shown in tool results.
const (
	OutcomeOK          Outcome = "ok"
	OutcomeNotFound    Outcome = "not_found"       // 404, 410
	OutcomeForbidden   Outcome = "forbidden"       // 401, 403
	OutcomeRateLimited Outcome = "rate_limited"    // 429
	OutcomeServerError Outcome = "server_error"    // 5xx
	OutcomeHTTPError   Outcome = "http_error"      // any other status that does not mean success
	OutcomeRobots      Outcome = "robots"          // robots.txt forbids it
	OutcomePolicy      Outcome = "policy"          // allow and deny lists, depth or domain rules forbid it
	OutcomeNetwork     Outcome = "refused_network" // the address is private, loopback, link-local or a metadata service
	OutcomeBadURL      Outcome = "bad_url"         // the address is not an absolute http(s) URL
	OutcomeDNS         Outcome = "dns"             // the host name does not resolve
	OutcomeConnection  Outcome = "connection"      // connection refused, reset or closed early
	OutcomeTLS         Outcome = "tls"             // certificate or handshake failed
	OutcomeTimeout     Outcome = "timeout"         // the load took too long
	OutcomeRedirects   Outcome = "redirects"       // too many redirects, or redirects in a circle
	OutcomeTooLarge    Outcome = "too_large"       // more bytes than allowed, compressed or not
	OutcomeType        Outcome = "unreadable_type" // the content is not HTML, text or another type that legwork reads
	OutcomeEmpty       Outcome = "empty"           // the document has no text
	OutcomeBlocked     Outcome = "blocked"         // the page shows a CAPTCHA or a login wall
)

// Transient reports whether the same load may succeed a little later.
func (o Outcome) Transient() bool {
	switch o {
	case OutcomeRateLimited, OutcomeServerError, OutcomeDNS, OutcomeConnection, OutcomeTimeout:
		return true
	}
	return false
}

// Visit is one load of one URL by a task, with or without success.
type Visit struct {
	ID        uuid.UUID
	URL       string // the requested URL
	FinalURL  string // after redirects; equals URL when there were none
	Outcome   Outcome
	Message   string // a sentence for the model and the user; empty when OK
	Status    int    // HTTP status; 0 when there was no response
	Title     string
	Page      *Page // nil unless OK
	Depth     int   // 0 for a start page
	Bytes     int64 // size of the body as received
	Duration  time.Duration
	FetchedAt time.Time
	Links     []Link  // links of the page; stored with the visit, for later tasks that read its snapshot
	Cached    bool    // read from the snapshot of an earlier visit at FetchedAt, without a request
	Rendered  bool    // the text is that of the page after its scripts ran in a browser; not stored
	Kept      float64 // share (0 to 1) of the page's visible letters outside links that are in the extracted text; 0 if not measured; not stored
	Note      string  // a sentence about how the page was read, if there is something to say; not stored
}

// Evidence is a quote that a task keeps as a source. Excerpt equals the page's text from Start to End. A piece of evidence that
// the answer cites has a marker; the API calls it a citation.
type Evidence struct {
	Number     int       // number of the evidence in its task, from 1, in the order in which evidence was stored
	Marker     int       // the number in brackets by which the answer cites it, from 1; 0 if the answer does not cite it
	PageID     string    // the snapshot
	VisitID    uuid.UUID // the visit that read the page
	URL        string    // absolute
	Title      string    // title of the page, or its host if it has no title
	Excerpt    string    // at most MaxExcerpt code points; the database cuts it out of the snapshot
	Start, End int       // offsets in code points in the snapshot's text, End exclusive
	Verified   bool
	Support    string // supported, partial, unsupported, unchecked
	AccessedAt time.Time
	// PublishedAt is the date of publication that the page names; nil when it names none.
	PublishedAt *time.Time
	// ModifiedAt is the date of the last change that the page or its server names; nil when none is named.
	ModifiedAt *time.Time
	Kind       SourceKind // what kind of source the page is
	// Source is the number of the source. Evidence of one page, and of pages that have the same text, has the same
	// number. It is 0 if the answer does not cite the evidence.
	Source int
	// ScreenshotURL is the root-relative URL of the screenshot that shows the excerpt; empty when there is none.
	ScreenshotURL string
}

// PageVisit is a visit as it appears in a task's list of pages. Its page has no text.
type PageVisit struct {
	Visit
	Chars int // length of the snapshot in code points; 0 when there is none
	Cited int // number of the answer's citations whose text is on the page
}

// ScreenshotURL returns the root-relative URL of a task's screenshot.
func ScreenshotURL(task uuid.UUID, name string) string {
	return "/api/tasks/" + task.String() + "/screenshots/" + name
}

// Values of Evidence.Support: whether the quote supports the sentences of the answer that cite it. They do not affect Verified.
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
	Text    string  // text of the passage
	Rank    float64 // BM25 for the query; comparable within one query only
}

// StepKind distinguishes model replies from tool results.
type StepKind string

// The kinds of step.
const (
	ModelStep StepKind = "model"
	ToolStep  StepKind = "tool"
)

// Step is one model reply or tool result in the journal. If a run finds a step in the journal, it does not repeat the
// step's call.
type Step struct {
	Turn, CallNo int // the key in the journal, chosen before the call is made; both numbers start at 1
	Try          int // the try in which the call was made
	Kind         StepKind
	Tool         string // tool name; empty for a model reply
	Args         []byte // JSON object; the tool's arguments
	Result       []byte // JSON, stored byte for byte: the model's reply or the tool's result
	Success      bool
	Duration     time.Duration
	InputTokens  int64
	OutputTokens int64
	CachedTokens int64    // the part of InputTokens that the provider took from its cache
	CostUSD      *float64 // cost of a model reply; nil if its model has no price

	// The transaction that writes the step's row also writes these, to other tables.
	Events   []Event
	Visit    *Visit
	Evidence []Evidence // the database fills in Excerpt
	Artifact *Artifact  // a file that was just written, such as a screenshot
	Shows    []int      // numbers of the evidence that the screenshot Artifact shows
}
