package toolcalls

import (
	"encoding/json"
	"strings"

	"github.com/kaptinlin/jsonrepair"
)

// Bounds of what is read from a model, so that no reply takes more than a fraction of a second. Repairing takes time that
// grows with the square of the length: of what is nested deepest, 0.3 s for 8 KiB.
const (
	maxText   = 64 << 10 // bytes of text or JSON
	maxRepair = 8 << 10  // bytes of broken JSON
	maxDepth  = 32       // arrays and objects inside each other
)

// DecodeJSON decodes JSON that a model wrote, and repairs it where it is broken and short. It reports false for what is
// neither, and for what is too long or too deep.
func DecodeJSON(s string) (v any, ok bool) {
	if s = strings.TrimSpace(s); s == "" || len(s) > maxText || depth(s) > maxDepth {
		return nil, false
	}
	if json.Unmarshal([]byte(s), &v) == nil {
		return v, true
	}
	if len(s) > maxRepair {
		return nil, false
	}
	defer func() { // a defect of the repairer must not end a task
		if recover() != nil {
			v, ok = nil, false
		}
	}()
	fixed, err := jsonrepair.Repair(s)
	if err != nil || json.Unmarshal([]byte(fixed), &v) != nil {
		return nil, false
	}
	return v, true
}

// depth is how deeply brackets and braces are nested. Those in strings count as well, since broken JSON does not tell where
// its strings end.
func depth(s string) int {
	most, now := 0, 0
	for i := range len(s) {
		switch s[i] {
		case '[', '{':
			now++
			most = max(most, now)
		case ']', '}':
			now = max(0, now-1)
		}
	}
	return most
}
