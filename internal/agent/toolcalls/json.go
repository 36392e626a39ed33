package toolcalls

import (
	"encoding/json"
	"strings"

	"github.com/kaptinlin/jsonrepair"
)

// Bounds of what is read from a model, so that no reply takes more than a fraction of a second. The time to repair JSON
// grows with the square of its length: it is 0.3 s for 8 KiB at the deepest nesting.
const (
	maxText   = 64 << 10 // bytes of text or JSON
	maxRepair = 8 << 10  // bytes of broken JSON that are repaired
	maxDepth  = 32       // levels of nested arrays and objects
)

// DecodeJSON decodes JSON that a model wrote. It repairs broken JSON of at most maxRepair bytes. It reports false if the text is no
// JSON, too long or nested too deeply.
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
	defer func() { // the library that repairs JSON may panic, which must not end a task
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

// depth returns how deeply brackets and braces are nested. Brackets inside strings count too, because in broken JSON it
// is not known where strings end.
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
