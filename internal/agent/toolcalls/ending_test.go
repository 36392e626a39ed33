package toolcalls

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTextEnding(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Ending{
		"DONE":                         {Done: true},
		"I have what I need. **DONE**": {Done: true},
		"done.":                        {Done: true},
		"That is all.\nFinished":       {Done: true},
		"NOT FOUND":                    {Done: true, NotFound: true},
		"NOT FOUND: no page has\tit":   {Done: true, NotFound: true, Reason: "no page has it"},
		"Not found - no page has it":   {Done: true, NotFound: true, Reason: "no page has it"},
		"I looked.\n\n**NOT FOUND**: it is not there": {Done: true, NotFound: true, Reason: "it is not there"},
		"":                                       {},
		"I am nearly done with this page.":       {},
		"Next I open the list of changes.":       {},
		"The page was not found, so I search.":   {},
		"What has been done so far: one search.": {},
		"The kettle boils at 100 degrees.":       {},
	} {
		require.Equal(t, want, TextEnding(text), text)
	}
}

func TestCallEnding(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]Ending{
		``:                   {Done: true},
		`{}`:                 {Done: true},
		`{"answered": true}`: {Done: true},
		`{"answered": "true", "reason": "it is all there"}`: {Done: true},
		`{"answered": false}`:                               {Done: true, NotFound: true},
		`{"found": "no", "why": "it is nowhere"}`:           {Done: true, NotFound: true, Reason: "it is nowhere"},
		`{"reason": "it is nowhere"}`:                       {Done: true, NotFound: true, Reason: "it is nowhere"},
		`{"answer": "It is a hundred."}`:                    {Done: true},
	} {
		args, err := Named("done").Arguments(raw)
		require.NoError(t, err, raw)
		require.Equal(t, want, CallEnding(args), raw)
	}
}

func TestQuotesOfCite(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string][]string{
		`{"url": "u", "quote": "one"}`:                                   {"one"},
		`{"url": "u", "quotes": ["one", " two ", ""]}`:                   {"one", "two"},
		`{"url": "u", "quote": ["one", "two"]}`:                          {"one", "two"},
		`{"url": "u", "citations": [{"quote": "one"}, {"text": "two"}]}`: {"one", "two"},
	} {
		args, err := Named("cite").Arguments(raw)
		require.NoError(t, err, raw)
		require.Equal(t, want, args["quotes"], raw)
	}
	_, err := Named("cite").Arguments(`{"url": "u", "quotes": []}`)
	require.ErrorContains(t, err, `"quotes" is missing`)
}
