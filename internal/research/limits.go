package research

import (
	"fmt"
	"time"
)

// UsageLimits are what an account, or one of its API keys, may use. nil: any amount. Hours, days and months are those of the
// calendar in UTC.
type UsageLimits struct {
	TasksPerHour         *int64 `json:"tasks_per_hour,omitempty"` // submissions
	TasksPerDay          *int64 `json:"tasks_per_day,omitempty"`
	ConcurrentRuns       *int64 `json:"concurrent_runs,omitempty"` // further tasks wait
	OpenStreams          *int64 `json:"open_streams,omitempty"`    // WebSockets and event streams
	PagesPerMonth        *int64 `json:"pages_per_month,omitempty"`
	TokensPerMonth       *int64 `json:"tokens_per_month,omitempty"`       // of language models, input and output
	MicrodollarsPerMonth *int64 `json:"microdollars_per_month,omitempty"` // millionths of a US dollar, by MODEL_PRICES
}

// LimitUsage is what an account or key has used, and what is reserved for its open runs.
type LimitUsage struct {
	TasksThisHour, TasksToday               int64
	Runs, Streams                           int64 // open now
	Pages, Tokens, Microdollars             int64 // of ended runs of this month
	PagesReserved, TokensReserved           int64 // the most that open runs may use
	MicrodollarsReserved                    int64
	HourResetsAt, DayResetsAt, MonthResetAt time.Time
}

// Codes of refusals by a limit.
const (
	CodeRateLimited     = "rate_limited"     // too many requests, tasks or streams for now
	CodeBudgetExhausted = "budget_exhausted" // the pages, tokens or dollars of the month are used up
)

// LimitError refuses a request because of a limit. Nothing was stored.
type LimitError struct {
	Code     string    // CodeRateLimited or CodeBudgetExhausted
	Message  string    // a sentence for the user that names the limit and what to do
	Limit    int64     // how much the limit allows, of what the message says
	ResetsAt time.Time // when it allows more; zero: as soon as something of the account ends
}

// Error implements error.
func (e *LimitError) Error() string { return e.Code + ": " + e.Message }

// LimitName is a limit as messages name it.
type LimitName string

// The limits that refuse submissions and runs, as the database names them.
const (
	LimitTasksPerHour LimitName = "tasks_per_hour"
	LimitTasksPerDay  LimitName = "tasks_per_day"
	LimitPages        LimitName = "pages"
	LimitTokens       LimitName = "tokens"
	LimitDollars      LimitName = "dollars"
)

// Exceeded makes the refusal of a submission by a limit. byKey: the limit is the API key's, not the account's.
func (n LimitName) Exceeded(byKey bool, most int64, resetsAt time.Time) *LimitError {
	subject := "account"
	if byKey {
		subject = "API key"
	}
	e := &LimitError{Code: CodeBudgetExhausted, Limit: most, ResetsAt: resetsAt}
	again := "try again after " + resetsAt.UTC().Format("2006-01-02 15:04 MST")
	switch n {
	case LimitTasksPerHour, LimitTasksPerDay:
		period := "hour"
		if n == LimitTasksPerDay {
			period = "day"
		}
		e.Code = CodeRateLimited
		e.Message = fmt.Sprintf("This %s may submit %d tasks an %s; %s, or have the limit raised.", subject, most, period, again)
		if period == "day" {
			e.Message = fmt.Sprintf("This %s may submit %d tasks a day; %s, or have the limit raised.", subject, most, again)
		}
	case LimitDollars:
		e.Message = fmt.Sprintf("The %.2f US dollars a month of this %s are used up; %s, or have the limit raised.", float64(most)/1e6, subject, again)
	case LimitPages, LimitTokens:
		e.Message = fmt.Sprintf("The %d %s a month of this %s are used up; %s, or have the limit raised.", most, n, subject, again)
	}
	return e
}

// Exhausted is the failure of a task for which nothing is left of a limit when its run would begin.
func (n LimitName) Exhausted() *Failure {
	return &Failure{Code: CodeBudgetExhausted, Message: fmt.Sprintf("The %s of this month are used up, or too few are left for a task. "+
		"Run the task again next month, or have the limit raised (GET /api/limits shows it).", n)}
}
