// Package server has the servers under test, and starts them. One process generates the load. Each server is the same
// program in another process, started with EnvConfig in its environment. It is legwork with the same parts as in
// cmd/legwork, but with an agent that needs no model and no pages. For part fanout there is also the WebSocket server
// that is the reference.
//
// A server reads one Command per line from its standard input and answers each with one Reply, in order. It ends when
// its input ends.
package server

import "github.com/google/uuid"

// EnvConfig is the environment variable that makes this program a server under test. Its value is a Config in JSON.
const EnvConfig = "LEGWORK_BENCH_SERVER"

// BareChannel is the channel of the notifications that are the reference of part latency.
const BareChannel = "legwork_bench_bare"

// Config is the configuration of a server under test.
type Config struct {
	URL     string `json:"url"`     // database URL
	Dir     string `json:"dir"`     // folder for artifacts
	Slots   int    `json:"slots"`   // slots of the worker; 0: no worker
	Conns   int32  `json:"conns"`   // connections of the pool
	Bare    bool   `json:"bare"`    // runs the reference of part fanout instead of legwork
	Profile string `json:"profile"` // file for a CPU profile; empty: none
}

// Command is a command to a server under test, sent as one line.
type Command struct {
	// Op is the name of the command. ready returns API. tasks creates Runs running tasks. append appends with Runs
	// runs for Seconds, and counts. paced appends at Rate for Seconds, and returns the Commits. append one appends
	// one event to the first of Tasks. noop runs no-op jobs of River with Runs clients for Seconds. collect frees
	// unused memory.
	Op        string      `json:"op"`
	Runs      int         `json:"runs,omitempty"`
	Seconds   float64     `json:"seconds,omitempty"`
	Rate      float64     `json:"rate,omitempty"`      // events per second, for all tasks together
	Streaming bool        `json:"streaming,omitempty"` // publishes each event, and subscribes to each run
	Bare      bool        `json:"bare,omitempty"`      // sends a NOTIFY on BareChannel instead of publishing
	Step      bool        `json:"step,omitempty"`      // writes steps instead of events
	Announced bool        `json:"announced,omitempty"` // writes the event of the call before each step
	Tasks     []uuid.UUID `json:"tasks,omitempty"`
}

// Reply is the answer to a Command.
type Reply struct {
	Error   string      `json:"error,omitempty"`
	API     string      `json:"api,omitempty"` // base URL
	Tasks   []uuid.UUID `json:"tasks,omitempty"`
	Count   int         `json:"count,omitempty"`
	Seconds float64     `json:"seconds,omitempty"`
	Commits []Commit    `json:"commits,omitempty"`
	Micros  []float64   `json:"micros,omitempty"` // time of each operation in microseconds
}

// Commit is the time at which the commit of an event returned, in nanoseconds of a clock that all processes of the
// machine share.
type Commit struct {
	Task uuid.UUID `json:"t"`
	Seq  int64     `json:"s"`
	At   int64     `json:"a"`
}
