// Package agenttest is for tests only: tasks in a database of their own, worked on with real pages over HTTP, one epoch for
// each run. The runs get their agent.Env from package runenv, as those of a worker do; tests see what was done and may
// come in between.
package agenttest
