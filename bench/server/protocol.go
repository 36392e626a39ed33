// Package server has the servers under test, and starts them. The load runs in one process; each server is the same program again,
// started with EnvConfig in its environment: legwork as cmd/legwork wires it, with an agent that needs no model and no pages, or
// the bare WebSocket server that part fanout compares it with.
//
// A server reads one Command a line from its standard input and answers each with one Reply, in order. It ends when its input ends.
package server

import "github.com/google/uuid"

// EnvConfig names the environment variable that makes this program a server under test. Its value is a Config in JSON.
const EnvConfig = "LEGWORK_BENCH_SERVER"

// BareChannel is the channel of the bare NOTIFY that part latency compares with.
const BareChannel = "legwork_bench_bare"

// Config is what a server under test is given at its start.
type Config struct {
	URL     string `json:"url"`     // of its database
	Dir     string `json:"dir"`     // for artifacts
	Slots   int    `json:"slots"`   // of the worker; 0: none runs
	Conns   int32  `json:"conns"`   // of the pool
	Bare    bool   `json:"bare"`    // no legwork but the reference of part fanout
	Profile string `json:"profile"` // file for a CPU profile; empty: none
}

// Command is one line to a server under test.
type Command struct {
	// Op is one of: ready (gives API), tasks (makes Runs running tasks), append (appends for Seconds by Runs runs and counts),
	// paced (appends at Rate for Seconds and gives the Commits), append one (to the first of Tasks), noop (works no-op jobs of
	// River by Runs clients for Seconds), collect (frees unused memory).
	Op        string      `json:"op"`
	Runs      int         `json:"runs,omitempty"`
	Seconds   float64     `json:"seconds,omitempty"`
	Rate      float64     `json:"rate,omitempty"`      // events per second, all tasks together
	Streaming bool        `json:"streaming,omitempty"` // publish each event, and watch each run
	Bare      bool        `json:"bare,omitempty"`      // NOTIFY on BareChannel instead of publishing
	Step      bool        `json:"step,omitempty"`      // whole steps instead of events
	Announced bool        `json:"announced,omitempty"` // each step after the event of its call
	Tasks     []uuid.UUID `json:"tasks,omitempty"`
}

// Reply answers a Command.
type Reply struct {
	Error   string      `json:"error,omitempty"`
	API     string      `json:"api,omitempty"` // base URL
	Tasks   []uuid.UUID `json:"tasks,omitempty"`
	Count   int         `json:"count,omitempty"`
	Seconds float64     `json:"seconds,omitempty"`
	Commits []Commit    `json:"commits,omitempty"`
	Micros  []float64   `json:"micros,omitempty"` // time of each operation in microseconds
}

// Commit is when the commit of an event returned, in nanoseconds of the clock that all processes of a machine share.
type Commit struct {
	Task uuid.UUID `json:"t"`
	Seq  int64     `json:"s"`
	At   int64     `json:"a"`
}
