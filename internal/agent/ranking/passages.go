package ranking

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"legwork/internal/research"
)

// Weights of where a passage has a term of the question: in its own words, in the headings and defined terms above it,
// elsewhere in the same entry (the passages under one heading path belong together), in the page's title.
const (
	inBoth  = 1.0 // the passage says it under a heading that says it
	inText  = 0.9
	inPath  = 0.75
	inEntry = 0.5
	inTitle = 0.4

	// A name sets a topic: what stands below it or beside it need not repeat it.
	nameInPath  = 0.85
	nameInEntry = 0.70

	farEntry = 0.6 // times the weight, when the entry has a term only more than entryReach passages away
)

// What lifts or lowers a passage, as a factor on what it covers.
const (
	nearBonus    = 0.30 // times the share of neighbouring words of the question that are neighbours here too
	focusedBonus = 0.15 // times the share of the question that its best sentence has in its own words
	labelBonus   = 0.15 // times the share of the nearest heading's words that the question has: an entry about just this
	pageBonus    = 0.20 // times the page's own score, that of its best passages, relative to the best page
	phraseBonus  = 0.30 // per phrase quoted in the question
	rankBonus    = 0.05 // times PostgreSQL's rank, relative to the best
	listFactor   = 0.60 // lists without sentences: contents, indexes
	linksFactor  = 0.25 // passages that are nothing but links: contents and indexes
	shortFactor  = 0.60 // fewer than shortRunes
	ShortRunes   = 40
	nearDistance = 4 // words
	entryReach   = 3 // passages to either side that are close
)

// Scored is a passage with the figures that rank it.
type Scored struct {
	Hit     research.Hit
	Q       *Question
	Text    TermSet // terms in its own words
	Path    TermSet // in headings and terms above
	Title   TermSet
	entry   TermSet // in its entry close by, itself included
	far     TermSet // in its entry, anywhere
	Key     string  // of the entry
	near    float64
	label   float64
	focused float64
	spans   []TermSet // terms by sentence
	shaped  float64
	Factor  float64
	Covered float64 // 0..1: share of the question, by weight and rarity
	Score   float64
}

// PageFacts is what ranking knows of a page beyond its passages.
type PageFacts struct {
	q     *Question       // in the page's language
	links map[string]bool // what the page says around its links, as lines of text
}

// NewPageFacts gathers what ranking needs to know of a page.
func NewPageFacts(q *Question, links []research.Link) PageFacts {
	f := PageFacts{q: q, links: map[string]bool{}}
	for _, l := range links {
		f.links[l.Text], f.links[l.Context] = true, true
	}
	delete(f.links, "")
	return f
}

// listMark is what an item begins with: "- ", "2. ", "b. ", "iv. ".
var listMark = regexp.MustCompile(`(?i)^\s*([-*•]|\d+\.|[a-z]\.|[ivx]+\.)\s+`)

// onlyLinks reports whether every line of a text is an entry that the page links, and none is a sentence.
func (f PageFacts) onlyLinks(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(listMark.ReplaceAllString(line, "")), " ")
		if line != "" && (!f.links[line] || strings.HasSuffix(line, ".")) {
			return false
		}
	}
	return true
}

// Rank scores passages, best first. Ties keep the order of the hits. totals are the numbers of passages on
// the pages read, by the language's question, for rarity; nil: every term is as rare as any other.
func Rank(hits []research.Hit, facts map[string]PageFacts, totals map[*Question]int) []Scored {
	out := make([]Scored, 0, len(hits))
	entries := map[string]map[int]TermSet{} // by entry and place in the page
	whole := map[string]TermSet{}
	df := map[*Question][]int{}
	top := 0.0
	for _, h := range hits {
		f := facts[h.PageID]
		if f.q == nil { // not a page that this run knows of
			continue
		}
		s := Scored{Hit: h, Q: f.q, Factor: 1}
		s.read(f)
		if entries[s.Key] == nil {
			entries[s.Key] = map[int]TermSet{}
		}
		entries[s.Key][h.Ord] = s.Text | s.Path
		whole[s.Key] |= s.Text | s.Path
		if df[f.q] == nil {
			df[f.q] = make([]int, len(f.q.Terms))
		}
		for i := range f.q.Terms {
			if s.Text.Has(i) {
				df[f.q][i]++
			}
		}
		top = max(top, h.Rank)
		out = append(out, s)
	}
	for i := range out {
		s := &out[i]
		s.far = whole[s.Key]
		for d := -entryReach; d <= entryReach; d++ {
			s.entry |= entries[s.Key][s.Hit.Ord+d]
		}
		s.Covered = s.cover(df[s.Q], totals[s.Q])
		bonus := nearBonus*s.near + focusedBonus*s.focused + labelBonus*s.label + s.shaped
		for _, p := range s.Q.phrases {
			if strings.Contains(strings.ToLower(s.Hit.Text), p) {
				bonus += phraseBonus
			}
		}
		if top > 0 {
			bonus += rankBonus * s.Hit.Rank / top
		}
		s.Score = s.Covered * (1 + bonus) * s.Factor
	}
	byScore := func(a, b Scored) int { return cmp.Compare(b.Score, a.Score) }
	slices.SortStableFunc(out, byScore)
	favourPages(out)
	slices.SortStableFunc(out, byScore)
	return out
}

// favourPages lifts the passages of pages whose best passages are good: a page about the question has several. The
// passages are in the order of their scores.
func favourPages(ranked []Scored) {
	const best = 3
	sums, counts, top := map[string]float64{}, map[string]int{}, 0.0
	for _, s := range ranked {
		if id := s.Hit.PageID; counts[id] < best {
			counts[id]++
			sums[id] += s.Score / best
			top = max(top, sums[id])
		}
	}
	for i := range ranked {
		ranked[i].Score *= 1 + pageBonus*sums[ranked[i].Hit.PageID]/max(top, 1e-9)
	}
}

// read finds the question's terms in the passage and looks at its form.
func (s *Scored) read(f PageFacts) {
	q, h := f.q, s.Hit
	tokens := Tokenize(h.Text)
	at := make([]TermSet, len(tokens))
	for i, t := range tokens {
		at[i] = q.match(t)
		s.Text |= at[i]
		if i == 0 || endsSentence(h.Text[min(tokens[i-1].end, t.start):t.start]) {
			s.spans = append(s.spans, 0)
		}
		s.spans[len(s.spans)-1] |= at[i]
	}
	s.Title = q.MatchText(h.Title)
	above := readHeading(h.Heading, h.Text)
	columns := q.MatchText(above.columns)
	for i := range s.spans { // a row is read under the heads of its columns
		s.spans[i] |= columns
	}
	s.Path = q.MatchText(h.Heading) | q.MatchText(above.label) | columns
	s.Key = h.PageID
	if above.entry != "" {
		s.Key += headingSeparator + above.entry
	}
	s.label = labelShare(q, above.label)
	s.near = nearness(q.pairs, at)
	s.shaped = q.shape.fit(h.Text)
	if utf8.RuneCountInString(h.Text) < ShortRunes {
		s.Factor *= shortFactor
	}
	if isList(h.Text) {
		s.Factor *= listFactor
	}
	if f.onlyLinks(h.Text) {
		s.Factor *= linksFactor
	}
}

// cover is the share of the question that the passage covers. It notes what the best sentence covers alone.
func (s *Scored) cover(df []int, total int) float64 {
	got, sum := 0.0, 0.0
	alone := make([]float64, len(s.spans))
	for i, t := range s.Q.Terms {
		w := t.Weight
		if total > 0 {
			w *= Rarity(float64(df[i]), float64(total))
		}
		got += w * s.strength(i)
		if !t.Hint && (df[i] > 0 || t.name) {
			sum += w
		}
		for k, set := range s.spans {
			alone[k] += Pick(set, i, w)
		}
	}
	sum = max(sum, 1e-9)
	if len(alone) > 0 {
		s.focused = min(1, slices.Max(alone)/sum)
	}
	return min(1, got/sum)
}

// endsSentence reports whether what stands between two words ends a sentence, a term, an item or a row.
func endsSentence(gap string) bool {
	return strings.Contains(gap, "\n\n") || sentenceEnd.MatchString(gap)
}

var sentenceEnd = regexp.MustCompile(`[.!?;]["'”’)]*\s|[。！？；｡]|\n\s*[-|*>]`)

// strength says how well the passage has a term, by where it stands.
func (s *Scored) strength(i int) float64 {
	if s.Text.Has(i) && s.Path.Has(i) {
		return inBoth
	}
	path, entry := inPath, inEntry
	if s.Q.Terms[i].name {
		path, entry = nameInPath, nameInEntry
	}
	return max(Pick(s.Text, i, inText), Pick(s.Path, i, path), Pick(s.entry, i, entry), Pick(s.far, i, farEntry*entry), Pick(s.Title, i, inTitle))
}

// Share is the part of the question's weight that the passage covers, rarity aside: comparable between pages.
func (s *Scored) Share() float64 {
	got, sum := 0.0, 0.0
	for i, t := range s.Q.Terms {
		if t.Hint {
			continue
		}
		sum += t.Weight
		got += t.Weight * s.strength(i)
	}
	return min(1, got/max(sum, 1e-9))
}

// Named reports whether the passage or the entry it stands in has a name that the question has.
func (s *Scored) Named() bool {
	for i, t := range s.Q.Terms {
		if t.name && (s.Text | s.Path | s.entry).Has(i) {
			return true
		}
	}
	return false
}

// Fits reports whether the passage looks like an answer; it does where the question does not say how one looks.
func (s *Scored) Fits() bool { return !s.Q.shape.asksForm() || s.shaped > 0 }

// Round keeps journaled scores short.
func Round(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// labelShare is the share of a heading's words that the question has. Section numbers and types in parentheses are no
// words of it.
func labelShare(q *Question, label string) float64 {
	label, _, _ = strings.Cut(strings.TrimLeft(label, " 0123456789."), " (")
	has, all := 0, 0
	for _, t := range Tokenize(label) {
		for _, p := range t.parts {
			if stopWords[strings.ToLower(p)] {
				continue
			}
			all++
			if q.match(token{text: p, parts: []string{p}}) != 0 {
				has++
			}
		}
	}
	return float64(has) / float64(max(all, 1))
}

// nearness is the share of pairs that stand close together somewhere.
func nearness(pairs [][2]int, at []TermSet) float64 {
	if len(pairs) == 0 {
		return 0
	}
	found := 0
	for _, p := range pairs {
		last := [2]int{-100, -100}
		for i, set := range at {
			for side := range 2 {
				if set.Has(p[side]) {
					last[side] = i
				}
			}
			if d := last[0] - last[1]; d >= -nearDistance && d <= nearDistance && last[0] >= 0 && last[1] >= 0 {
				found++
				break
			}
		}
	}
	return float64(found) / float64(len(pairs))
}

// isList reports whether a text is a list of short items without a sentence among them.
func isList(s string) bool {
	lines, sentences := 0, 0
	for l := range strings.Lines(s) {
		l = strings.TrimSpace(l)
		if l == "" {
			continue
		}
		lines++
		if strings.HasPrefix(l, "|") || len(strings.Fields(l)) > 12 || lineEnd.MatchString(l) {
			sentences++
		}
	}
	return lines >= 3 && sentences == 0
}

var lineEnd = regexp.MustCompile(`[.:。：]$`)

// What answers of a shape look like. The bonuses are factors on what a passage covers.
var (
	hasNumber   = regexp.MustCompile(`(?i)\d|\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|sixty|hundred|thousand|million|billion|unlimited)\b`)
	hasDuration = regexp.MustCompile(`(?i)(\d|\b(one|two|three|four|five|six|ten|fifteen|thirty|sixty))\s*(ms|µs|s|min|h|d|microseconds?|milliseconds?|seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b`)
	hasSize     = regexp.MustCompile(`(?i)(\d|\b(one|two|four|eight|sixteen))\s*(%|percent\b|bytes?\b|bits?\b|k?b\b|kib\b|mib\b|gib\b|kilobytes?\b|megabytes?\b|mb\b|gb\b|tb\b|gigabytes?\b|characters?\b)`)
	hasPreset   = regexp.MustCompile(`(?i)\bdefaults? (value |setting |behaviou?r )?(is|are|was|of|to|for)\b|\bby default\b|\bdefaults? to\b|\bdefaulting\b|\(default\b|\bis the default\b|\bdefault\b[^.\n]{0,60}\bis\b|\bif (omitted|unspecified|not (specified|given|set))\b|\bdefault[=:]`)
	saysDefault = regexp.MustCompile(`(?i)\bdefault`)
	hasOften    = regexp.MustCompile(`(?i)\b(every|once|twice|per|each|hourly|daily|weekly|monthly|periodically|times)\b`)
	hasExtent   = regexp.MustCompile(`[-+−]?\d[\d.,_^]*\s*(to|through|and|–|-|\.\.|…)\s*[-+−]?\d`)
	hasBest     = regexp.MustCompile(`(?i)\b(most|best|preferred|recommended|safest|fastest|strongest|simplest|should (be )?used?)\b`)
	hasReason   = regexp.MustCompile(`(?i)\b(because|since|due to|reasons?|therefore|so that|as a result|this means|in order to|thus)\b`)
	hasDate     = regexp.MustCompile(`(?i)\b(1[5-9]|20)\d\d\b|\b(january|february|march|april|may|june|july|august|september|october|november|december)\b`)
	hasCase     = regexp.MustCompile(`(?i)\b(if|when|whenever|unless|only|once|after|until)\b`)
	hasDenial   = regexp.MustCompile(`(?i)\b(not|cannot|never|none|only|always|guaranteed|must)\b|n't\b`)
	hasAdvice   = regexp.MustCompile(`(?i)\b(use|using|used|set|specify|specifies|allows?|option|can be|to do (this|so)|call|run|with)\b`)
)

// asksForm reports whether the shape tells how the answer looks.
func (s shape) asksForm() bool { return s.number || s.preset || s.why || s.moment }

// fit says how much a text looks like an answer of this shape.
func (s shape) fit(text string) float64 {
	bonus := 0.0
	add := func(asked bool, has *regexp.Regexp, b float64) {
		if asked && has.MatchString(text) {
			bonus += b
		}
	}
	add(s.number, hasNumber, 0.10)
	add(s.duration, hasDuration, 0.20)
	add(s.size, hasSize, 0.15)
	add(s.preset, hasPreset, 0.30)
	add(s.preset, saysDefault, 0.05)
	add(s.often, hasOften, 0.15)
	add(s.extent, hasExtent, 0.20)
	add(s.best, hasBest, 0.15)
	add(s.why, hasReason, 0.12)
	add(s.moment, hasDate, 0.08)
	add(s.moment || s.condition, hasCase, 0.06)
	add(s.yesNo, hasDenial, 0.08)
	add(s.method, hasAdvice, 0.05)
	return bonus
}
