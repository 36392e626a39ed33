package research

import (
	"fmt"
	"time"
)

// UsageLimits are the limits of an account or of one of its API keys. A nil field means no limit. Hours, days and months
// are those of the calendar in UTC.
type UsageLimits struct {
	TasksPerHour         *int64 `json:"tasks_per_hour,omitempty"` // submissions
	TasksPerDay          *int64 `json:"tasks_per_day,omitempty"`
	ConcurrentRuns       *int64 `json:"concurrent_runs,omitempty"` // tasks above the limit wait
	OpenStreams          *int64 `json:"open_streams,omitempty"`    // WebSockets and event streams
	PagesPerMonth        *int64 `json:"pages_per_month,omitempty"`
	TokensPerMonth       *int64 `json:"tokens_per_month,omitempty"`       // of language models, input and output
	MicrodollarsPerMonth *int64 `json:"microdollars_per_month,omitempty"` // millionths of a US dollar, by MODEL_PRICES
}

// LimitUsage is what an account or an API key has used, and what is reserved for its open runs.
type LimitUsage struct {
	TasksThisHour, TasksToday               int64
	Runs, Streams                           int64 // number open now
	Pages, Tokens, Microdollars             int64 // used by runs of this month that have ended
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
	Limit    int64     // the value of the limit; Message names its unit
	ResetsAt time.Time // when the limit allows more; zero if that depends on a task, run or stream of the account to end
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

// Exceeded returns the error that refuses a submission because of a limit. byKey says that the limit is that of the API
// key, not of the account.
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

// Exhausted returns the failure of a task that cannot begin its run because nothing is left of a monthly limit.
func (n LimitName) Exhausted() *Failure {
	return &Failure{Code: CodeBudgetExhausted, Message: fmt.Sprintf("The %s of this month are used up, or too few are left for a task. "+
		"Run the task again next month, or have the limit raised (GET /api/limits shows it).", n)}
}

// Allowance is what a limit still allows in its present period.
type Allowance struct {
	Limit     int64 // what the limit allows in the whole period
	Remaining int64
	ResetsAt  time.Time // when the period ends
}
