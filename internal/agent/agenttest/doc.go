// Package agenttest is for tests only. It runs research on tasks in a database of its own, with real pages over HTTP and
// a new epoch for each run. The runs get their agent.Env from package runenv, as in a worker. Tests can observe every
// call and interrupt a run.
package agenttest
