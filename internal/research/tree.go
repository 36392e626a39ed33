package research

import (
	"time"

	"github.com/google/uuid"
)

// Bounds of a tree. The database checks them, too.
const (
	MaxChildren = 12 // children of a deep task, over both rounds
	MaxRounds   = 2
)

// Bounds and defaults of the options of a deep task. Its pages and its time are the sums over its children.
const (
	DeepMaxPages     = 300
	DeepDefaultPages = 60
	DeepBudgets      = 6  // the default time budget of a deep task, in default time budgets of other tasks
	DeepMostBudgets  = 12 // the greatest time budget of a deep task, in greatest time budgets of other tasks
)

// Waiting says what a queued task without a job waits for. It is empty for any other task.
type Waiting string

// What a task waits for.
const (
	WaitingForPlan     Waiting = "plan"     // a deep task: its user confirms the plan
	WaitingForChildren Waiting = "children" // a deep task: its children end
	WaitingForTurn     Waiting = "turn"     // a child: enough children of the same deep task are at work
)

// Share is what a child may use, or the pool of a deep task. A nil field means that the amount is not limited.
type Share struct {
	Pages        int64  `json:"pages"`
	Seconds      int64  `json:"seconds"` // of running time
	Tokens       *int64 `json:"tokens,omitempty"`
	Microdollars *int64 `json:"microdollars,omitempty"` // millionths of a US dollar
}

// Subquestion is one question of a plan.
type Subquestion struct {
	Number   int    `json:"number"` // among the children of the deep task, from 1
	Question string `json:"question"`
	Purpose  string `json:"purpose,omitempty"` // what the answer is needed for, in one sentence
	Share    Share  `json:"share"`
}

// Plan is the plan of one round of a deep task.
type Plan struct {
	Round        int           `json:"round"` // 1 or 2
	Subquestions []Subquestion `json:"subquestions"`
}

// Child is a child of a deep task, as the run of the deep task sees it.
type Child struct {
	TaskID   uuid.UUID
	Number   int
	Round    int
	Question string
	Status   Status
	Answer   *string // of a completed child
	Answered *bool
	Error    *string // of a child that failed or was cancelled
}

// TreeNode is a deep task or one of its children, as the tree shows it.
type TreeNode struct {
	Child
	WaitingFor  Waiting
	ErrorCode   *string
	StartedAt   *time.Time
	CompletedAt *time.Time
	Share       Share // of the deep task: its pool
	Given       Share // of the deep task: what has been given of the pool
	Own         Share // of the deep task: its own share
	Used        Usage // Pages, InputTokens (with the output), CostUSD and Running
	Citations   int
	Plan        *Plan      // of the deep task
	WaitsUntil  *time.Time // of the deep task: when it stops waiting
}
