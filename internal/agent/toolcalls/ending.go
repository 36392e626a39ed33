package toolcalls

import (
	"regexp"
	"strings"
)

// Ending says whether and how a model ended its research. The zero value means that it did not end it.
type Ending struct {
	Done     bool   // the research is over
	NotFound bool   // the pages do not answer the question
	Reason   string // for NotFound: the reason in the model's words; may be empty
}

var (
	doneWord     = regexp.MustCompile(`\bDONE\b|(?im)^\W*(?:done|finished)\W*$`)
	notFoundWord = regexp.MustCompile(`(?m)\bNOT[ _]FOUND\b[\W_]*(.*)$|^\W*(?i:not[ _]found)\b[\W_]*(.*)$`)
)

// maxReason is the greatest length of the reason of an ending, in bytes.
const maxReason = 600

// TextEnding reads an ending that the model wrote as text: the word DONE, or NOT FOUND with a reason. Any other text is
// no ending, even if it says that the model is about to finish.
func TextEnding(text string) Ending {
	if m := notFoundWord.FindStringSubmatch(text); m != nil {
		return Ending{Done: true, NotFound: true, Reason: shortReason(m[1] + m[2])}
	}
	return Ending{Done: doneWord.MatchString(text)}
}

// CallEnding reads an ending from the arguments of the tool Done. The ending is NotFound if the argument "answered"
// is false, or if "answered" is missing and a reason is given.
func CallEnding(args map[string]any) Ending {
	reason, _ := args["reason"].(string)
	answered, said := args["answered"].(bool)
	e := Ending{Done: true, NotFound: said && !answered || !said && reason != ""}
	if e.NotFound {
		e.Reason = shortReason(reason)
	}
	return e
}

func shortReason(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > maxReason {
		s = strings.ToValidUTF8(s[:maxReason], "") + "…"
	}
	return s
}
