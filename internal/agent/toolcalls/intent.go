package toolcalls

import (
	"legwork/internal/agent"
	"legwork/internal/research"
)

// Intent describes, for the log, a reply that has calls but no text.
func Intent(calls []Call) string {
	if len(calls) == 0 {
		return "The model said nothing."
	}
	var names []string
	for _, c := range calls {
		names = append(names, research.Truncate(c.Name, 60))
	}
	return "The model calls " + agent.JoinWords(names) + "."
}
