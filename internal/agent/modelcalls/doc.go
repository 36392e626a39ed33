// Package modelcalls makes the model calls of one run. Each reply is journaled as a step of kind model before it is used. A
// resumed run takes the replies from the journal in their order, and makes no call twice. A call is made only within the
// budgets of time and tokens of its task. Compose lets the model write a text in as many calls as that takes.
package modelcalls
