package ranking

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"legwork/internal/research"
	"legwork/internal/words"
)

// Weights of the places where a passage can have a term of the question: its own text, the headings and defined terms above it,
// the rest of its entry (all passages with the same heading path), and the page's title.
const (
	inBoth  = 1.0 // in the text and in the heading path
	inText  = 0.9
	inPath  = 0.75
	inEntry = 0.5
	inTitle = 0.4

	// Names weigh more in these places than other words, because text below a heading with a name need not repeat the
	// name.
	nameInPath  = 0.85
	nameInEntry = 0.70

	farEntry = 0.6 // factor for the entry's weight if the term occurs only in passages more than entryReach away
)

// Bonuses and factors. The score is the covered share, times 1 plus all bonuses, times the factors.
const (
	nearBonus    = 0.30 // times the share of neighbouring words of the question that are close together in the passage
	focusedBonus = 0.15 // times the share of the question that the best single sentence covers
	labelBonus   = 0.15 // times the share of the nearest heading's words that are in the question
	pageBonus    = 0.20 // times the mean score of the page's best three passages, divided by that of the best page
	phraseBonus  = 0.30 // for each phrase in quotation marks in the question that the passage contains
	rankBonus    = 0.05 // times BM25 of the passage, divided by that of the best passage
	listFactor   = 0.60 // for lists without sentences, such as tables of contents
	linksFactor  = 0.25 // for passages that consist only of links
	shortFactor  = 0.60 // for passages with fewer than ShortRunes code points
	ShortRunes   = 40
	nearDistance = 4 // in words; two words at most this far apart count as close
	entryReach   = 3 // number of passages before and after a passage that count as near parts of its entry
)

// Scored is a passage with the values that its score is computed from.
type Scored struct {
	Hit     research.Hit
	Q       *Question
	Text    TermSet // terms in the passage's text
	Path    TermSet // terms in the headings and defined terms above it
	Title   TermSet
	entry   TermSet // terms in the passages of its entry that are at most entryReach away, and in the passage itself
	far     TermSet // terms anywhere in its entry
	Key     string  // key of the entry: page id and heading path
	near    float64
	label   float64
	focused float64
	spans   []TermSet // for each sentence of the passage, the terms in it
	shaped  float64
	Factor  float64
	Covered float64 // share of the question that the passage covers, by weight and rarity, 0..1
	Whole   float64 // the same, but words of the question that no passage has count too
	Lost    TermSet // terms of the question that no passage has

	LostShare float64 // their share of the question, by weight and rarity
	Score     float64
}

// PageFacts is what Rank needs to know about a page besides its passages.
type PageFacts struct {
	q     *Question       // the question in the page's language
	links map[string]bool // texts of the page's links, and of the blocks around them
}

// NewPageFacts prepares the facts of a page from the question in its language and from its links.
func NewPageFacts(q *Question, links []research.Link) PageFacts {
	f := PageFacts{q: q, links: map[string]bool{}}
	for _, l := range links {
		f.links[l.Text], f.links[l.Context] = true, true
	}
	delete(f.links, "")
	return f
}

// listMark matches the mark of a list item: "- ", "2. ", "b. ", "iv. ".
var listMark = regexp.MustCompile(`(?i)^\s*([-*•]|\d+\.|[a-z]\.|[ivx]+\.)\s+`)

// onlyLinks reports whether every line of a text is the text of a link on the page, and no line ends like a sentence.
func (f PageFacts) onlyLinks(text string) bool {
	for line := range strings.Lines(text) {
		line = strings.Join(strings.Fields(listMark.ReplaceAllString(line, "")), " ")
		if line != "" && (!f.links[line] || strings.HasSuffix(line, ".")) {
			return false
		}
	}
	return true
}

// Rank scores passages and returns them best first. Equal scores keep the order of the hits. totals is used to compute
// rarity: for each question, it has the number of passages on the pages in the question's language. If totals is nil,
// all terms count as equally rare.
func Rank(hits []research.Hit, facts map[string]PageFacts, totals map[*Question]int) []Scored {
	out := make([]Scored, 0, len(hits))
	entries := map[string]map[int]TermSet{} // for each entry, the terms of its passages by passage number
	whole := map[string]TermSet{}
	df := map[*Question][]int{}
	top := 0.0
	for _, h := range hits {
		f := facts[h.PageID]
		if f.q == nil { // this run has not read the page
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
		s.Whole = s.whole(df[s.Q], totals[s.Q])
		s.Lost, s.LostShare = s.Q.lost(df[s.Q], totals[s.Q])
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

// favourPages raises the scores of passages on pages whose three best passages have high scores, because a page about
// the question has several good passages. The argument must be sorted by score.
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

// read finds the question's terms in the passage and examines its form.
func (s *Scored) read(f PageFacts) {
	q, h := f.q, s.Hit
	tokens := words.Split(h.Text)
	at := make([]TermSet, len(tokens))
	for i, t := range tokens {
		at[i] = q.match(t)
		s.Text |= at[i]
		if i == 0 || endsSentence(h.Text[min(tokens[i-1].End, t.Start):t.Start]) {
			s.spans = append(s.spans, 0)
		}
		s.spans[len(s.spans)-1] |= at[i]
	}
	s.Title = q.MatchText(h.Title)
	above := readHeading(h.Heading, h.Text)
	columns := q.MatchText(above.columns)
	for i := range s.spans { // a row is read together with the heads of its columns
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

// cover returns the share of the question that the passage covers. It sets focused to the share that the best single
// sentence covers.
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

// endsSentence reports whether the characters between two words end a sentence, a term, a list item or a table row.
func endsSentence(gap string) bool {
	if gap == " " || gap == ", " || gap == "" { // most are
		return false
	}
	return strings.Contains(gap, "\n\n") || sentenceEnd.MatchString(gap)
}

var sentenceEnd = regexp.MustCompile(`[.!?;]["'”’)]*\s|[。！？；｡]|\n\s*[-|*>]`)

// strength returns the weight of the best place where the passage has term i, 0..1.
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

// Share returns the share of the question that the passage covers. Terms count by their Weight, and hints do not
// count. The rarity of terms is ignored, so that shares of different pages can be compared.
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

// Named reports whether the passage, its headings or the near part of its entry contains a name from the question.
func (s *Scored) Named() bool {
	for i, t := range s.Q.Terms {
		if t.name && (s.Text | s.Path | s.entry).Has(i) {
			return true
		}
	}
	return false
}

// Fits reports whether the passage has the form of an answer. It is true if the question does not ask for a certain
// form.
func (s *Scored) Fits() bool { return !s.Q.shape.asksForm() || s.shaped > 0 }

// Round rounds a score to 4 decimal places, so that its text in the journal is short.
func Round(v float64) float64 { return math.Round(v*1e4) / 1e4 }

// labelShare returns the share of a heading's words that are in the question. It ignores section numbers and text in parentheses.
func labelShare(q *Question, label string) float64 {
	label, _, _ = strings.Cut(strings.TrimLeft(label, " 0123456789."), " (")
	has, all := 0, 0
	for _, t := range words.Split(label) {
		for _, p := range t.Parts {
			if stopWords[words.Fold(p)] {
				continue
			}
			all++
			if q.match(words.Token{Text: p, Parts: []string{p}}) != 0 {
				has++
			}
		}
	}
	return float64(has) / float64(max(all, 1))
}

// nearness returns the share of the pairs whose two terms occur at most nearDistance words apart somewhere in the
// passage.
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

// isList reports whether a text has three or more short lines, and none of them is a sentence or a table row.
func isList(s string) bool {
	lines := 0
	for l := range strings.Lines(s) {
		l = strings.TrimSpace(l)
		if l == "" {
			continue
		}
		lines++
		if strings.HasPrefix(l, "|") || endsLine(l) || len(strings.Fields(l)) > 12 {
			return false
		}
	}
	return lines >= 3
}

// endsLine reports whether the last character of a line is one that ends a sentence.
func endsLine(l string) bool {
	return strings.HasSuffix(l, ".") || strings.HasSuffix(l, ":") || strings.HasSuffix(l, "。") || strings.HasSuffix(l, "：")
}
