package report

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"legwork/internal/agent/prompts"
	"legwork/internal/agent/toolcalls"
	"legwork/internal/llm"
	"legwork/internal/outputschema"
	"legwork/internal/research"
)

// Bounds of data.
const (
	maxDataBytes  = 64 << 10
	maxDataLevels = 16
	maxValues     = 2000 // numbers, texts and truth values
	dataTries     = 2    // how often the model is asked
	maxProblems   = 10   // problems that the model is told
)

// Data is the answer as an object by a schema.
type Data struct {
	JSON    []byte // nil if none could be made
	Basis   []research.Basis
	Problem string // why there is no data, or why fields are missing that the model had filled in; empty if there is nothing to say
}

// Data asks the model for the answer as data. used are the quotes that the answer cites, in the order of their markers;
// quotes that only the data uses are added. A value that is not carried by a quote becomes null.
func (w *Writer) Data(ctx context.Context, raw []byte, answer string, used *[]int) (Data, error) {
	schema, err := outputschema.Parse(raw)
	if err != nil {
		return Data{Problem: "the schema " + err.Error()}, nil //nolint:nilerr // submission checked the schema; a task does not fail by it now
	}
	all := make([]int, len(w.Quotes))
	for i := range all {
		all[i] = i + 1
	}
	m, err := w.messages("data", map[string]any{"Schema": prompts.Defuse(string(raw)), "Answer": prompts.Defuse(research.Truncate(answer, w.Window/4)),
		"Evidence": w.listed(all, w.Window/quotesPerShare)})
	if err != nil {
		return Data{}, err
	}
	out := Data{Problem: "the budget ended before the data was written"}
	for try := 1; try <= dataTries; try++ {
		part := Part{Purpose: ForData, Number: try}
		if !w.Ready(part) {
			return out, nil
		}
		t, err := w.Model(ctx, Call{Part: part, Messages: m, MaxTokens: dataTokens, JSON: true})
		if err != nil {
			return Data{}, err
		}
		var problems []string
		if t.Text != "" {
			out, problems = w.readData(t.Text, schema, used)
		} else {
			out = Data{Problem: t.Flaw}
		}
		if len(problems) == 0 || t.Over {
			return out, nil
		}
		again, err := w.fill("data_again", map[string]any{"Problems": problems})
		if err != nil {
			return Data{}, err
		}
		m = append(m[:2:2], llm.Message{Role: llm.Assistant, Text: t.Text}, llm.Message{Role: llm.User, Text: again})
	}
	return out, nil
}

// readData reads data with its basis. problems are what the model may put right.
func (w *Writer) readData(text string, schema *outputschema.Schema, used *[]int) (out Data, problems []string) {
	parsed, err := decodeData(text)
	if err != nil {
		out.Problem = "the model wrote no readable JSON"
		return out, []string{"It is not readable JSON with the fields data and basis."}
	}
	object, ok := parsed["data"].(map[string]any)
	if !ok {
		out.Problem = "the model wrote no object"
		return out, []string{`"data" must be an object.`}
	}
	c := carried{w: w, basis: basisOf(parsed["basis"])}
	for _, p := range schema.Problems(object) {
		problems = append(problems, research.Truncate(strings.TrimSpace(outputschema.Pointer(p.Path)+": "+p.Message), 200))
		if len(p.Path) > 0 {
			setNull(object, p.Path)
		}
		if len(problems) == maxProblems {
			break
		}
	}
	kept, _ := c.keep(object, nil).(map[string]any)
	if kept == nil {
		kept = map[string]any{}
	}
	schema.Fill(kept)
	if left := schema.Problems(kept); len(left) > 0 {
		out.Problem = "the data of the model does not fit the schema: " + research.Truncate(outputschema.Pointer(left[0].Path)+": "+left[0].Message, 200)
		return out, problems
	}
	raw, err := research.EncodeJSON(kept)
	if err != nil || len(raw) > maxDataBytes {
		out.Problem = "the data is too large"
		return out, nil
	}
	out.JSON = raw
	for _, b := range c.found {
		out.Basis = append(out.Basis, research.Basis{Path: outputschema.Pointer(b.path), Citations: markersOf(b.quotes, used)})
	}
	if len(c.lost) > 0 {
		out.Problem = "no quote carries the model's value of " + strings.Join(c.lost[:min(len(c.lost), maxProblems)], ", ")
	}
	return out, problems
}

// decodeData decodes an object with the fields data and basis. An object without these fields is taken for data.
func decodeData(text string) (map[string]any, error) {
	text = strings.TrimSpace(jsonObject.FindString(text))
	text = strings.TrimSpace(strings.TrimSuffix(text, "```"))
	v, err := outputschema.Decode([]byte(text), 2*maxDataBytes, maxDataLevels+2)
	if err != nil {
		repaired, ok := toolcalls.DecodeJSON(text)
		if !ok {
			return nil, err
		}
		raw, err := json.Marshal(repaired)
		if err != nil {
			return nil, fmt.Errorf("encode repaired JSON: %w", err)
		}
		if v, err = outputschema.Decode(raw, 2*maxDataBytes, maxDataLevels+2); err != nil {
			return nil, err
		}
	}
	object, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("is no object")
	}
	return object, nil
}

// basisOf reads the quotes of each value, by its JSON Pointer. Models write an object, or a list of objects with path and
// quotes.
func basisOf(v any) map[string][]int {
	out := map[string][]int{}
	switch x := v.(type) {
	case map[string]any:
		for path, quotes := range x {
			out[outputschema.Pointer(outputschema.Path(path))] = quoteNumbers(quotes)
		}
	case []any:
		for _, e := range x {
			if b, ok := e.(map[string]any); ok {
				path, _ := b["path"].(string)
				for _, key := range []string{"quotes", "citations"} {
					if n := quoteNumbers(b[key]); len(n) > 0 {
						out[outputschema.Pointer(outputschema.Path(path))] = n
					}
				}
			}
		}
	}
	return out
}

func quoteNumbers(v any) []int {
	var out []int
	switch x := v.(type) {
	case []any:
		for _, e := range x {
			out = append(out, quoteNumbers(e)...)
		}
	case json.Number:
		if n, err := strconv.Atoi(x.String()); err == nil {
			out = append(out, n)
		}
	case string:
		for _, digits := range number.FindAllString(x, 8) {
			if n, err := strconv.Atoi(digits); err == nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// carried finds out which values of data are carried by quotes.
type carried struct {
	w      *Writer
	basis  map[string][]int
	found  []foundBasis
	lost   []string // JSON Pointers of values that no quote carries
	values int
}

type foundBasis struct {
	path   []string
	quotes []int
}

// keep returns a copy of a value in which those that no quote carries are null. In lists they are left out.
func (c *carried) keep(v any, path []string) any {
	switch x := v.(type) {
	case nil:
		return nil
	case map[string]any:
		out := map[string]any{}
		for _, name := range slices.Sorted(maps.Keys(x)) {
			out[name] = c.keep(x[name], append(slices.Clone(path), name))
		}
		return out
	case []any:
		out := []any{}
		for i, e := range x {
			before := len(c.found)
			kept := c.keep(e, append(slices.Clone(path), strconv.Itoa(i)))
			if len(c.found) == before { // nothing in it is carried
				continue
			}
			for k := range c.found[before:] { // elements before it were left out
				c.found[before+k].path[len(path)] = strconv.Itoa(len(out))
			}
			out = append(out, kept)
		}
		return out
	}
	quotes := c.quotesOf(v, path)
	if c.values++; len(quotes) == 0 || c.values > maxValues {
		c.lost = append(c.lost, outputschema.Pointer(path))
		return nil
	}
	c.found = append(c.found, foundBasis{path: slices.Clone(path), quotes: quotes})
	return v
}

// quotesOf returns the quotes that carry a value: those that the model named for it, or for the object or list around it. If
// the value has numbers, a quote must have them.
func (c *carried) quotesOf(v any, path []string) []int {
	var named []int
	for n := len(path); n > 0 && len(named) == 0; n-- {
		named = c.basis[outputschema.Pointer(path[:n])]
	}
	var out []int
	texts := ""
	for _, n := range named {
		if n >= 1 && n <= len(c.w.Quotes) && !slices.Contains(out, n) {
			out = append(out, n)
			texts += c.w.Quotes[n-1].Text + "\n"
		}
	}
	has := map[string]bool{}
	for _, n := range numbersOf(texts) {
		for _, reading := range n {
			has[reading] = true
		}
	}
	for _, n := range numbersOf(v) {
		if !slices.ContainsFunc(n, func(reading string) bool { return has[reading] }) {
			return nil
		}
	}
	return out
}

var (
	numeral = regexp.MustCompile(`\d+(?:[.,]\d+)*`)
	grouped = regexp.MustCompile(`\d{1,3}(?:[' \x{a0}\x{202f}]\d{3})+(?:[.,]\d+)?`)
)

// numbersOf returns the numbers in a value. Each has all its readings in one form: 1,200 may be 1200 or 1.2.
func numbersOf(v any) [][]string {
	switch x := v.(type) {
	case json.Number:
		f, err := x.Float64()
		text := strings.TrimPrefix(x.String(), "-")
		if err == nil && strings.ContainsAny(text, ".eE") {
			text = strconv.FormatFloat(math.Abs(f), 'f', -1, 64)
		}
		return [][]string{{text}}
	case string:
		if t, err := time.Parse(time.DateOnly, x); err == nil { // a quote may have the name of the month
			return [][]string{{strconv.Itoa(t.Year())}, {strconv.Itoa(t.Day())}}
		}
		var out [][]string
		for _, s := range numeral.FindAllString(x, -1) {
			out = append(out, readings(s))
		}
		for _, s := range grouped.FindAllString(x, -1) {
			out = append(out, readings(strings.NewReplacer("'", "", " ", "", "\u00a0", "", "\u202f", "").Replace(s)))
		}
		return out
	}
	return nil
}

// readings returns the numbers that a numeral may mean: with its last sign as the decimal sign, and with all signs as signs
// that group thousands.
func readings(s string) []string {
	whole := func(s string) string {
		if s = strings.TrimLeft(strings.NewReplacer(".", "", ",", "").Replace(s), "0"); s == "" {
			return "0"
		}
		return s
	}
	last := strings.LastIndexAny(s, ".,")
	if last < 0 {
		return []string{whole(s)}
	}
	out := []string{s}
	if fraction := strings.TrimRight(s[last+1:], "0"); fraction != "" {
		out = append(out, whole(s[:last])+"."+fraction)
	} else {
		out = append(out, whole(s[:last]))
	}
	if len(s)-last == 4 {
		out = append(out, whole(s))
	}
	return out
}

// setNull replaces a value inside an object or list by null.
func setNull(v any, path []string) {
	for i, token := range path {
		last := i == len(path)-1
		switch x := v.(type) {
		case map[string]any:
			if last {
				x[token] = nil
				return
			}
			v = x[token]
		case []any:
			n, err := strconv.Atoi(token)
			if err != nil || n < 0 || n >= len(x) {
				return
			}
			if last {
				x[n] = nil
				return
			}
			v = x[n]
		default:
			return
		}
	}
}

// markersOf returns the markers of quotes. Quotes that have none yet are added to used.
func markersOf(quotes []int, used *[]int) []int {
	var out []int
	for _, q := range quotes {
		at := slices.Index(*used, q)
		if at < 0 {
			*used, at = append(*used, q), len(*used)
		}
		out = append(out, at+1)
	}
	slices.Sort(out)
	return out
}
