package ranking

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"legwork/internal/words"
)

// Weights of a question's terms, before rarity is taken into account. Names identify the subject of a question. Weak and
// light words say little about the subject. A hint is a word that is not in the question but often occurs in answers.
const (
	nameWeight    = 2.0 // identifiers: max_connections, json.loads, now(), .pgpass
	capsWeight    = 1.5 // words in capitals: NOTIFY, CSV
	partWeight    = 0.5 // a word of a name: connections in max_connections
	WordWeight    = 1.0
	weakWeight    = 0.3
	lightWeight   = 0.15
	numberWeight  = 0.5
	hintWeight    = 0.4
	maxTerms      = 64 // number of bits in a TermSet
	maxTermLength = 100
)

// term is a word or a name that a question asks about.
type term struct {
	Key    string // the stem of a word, or for a name the key that exact returns
	word   string // as written in the question
	Weight float64
	Hint   bool // the term is not in the question; addHints added it
	name   bool // the term is an identifier or a word in capitals
}

// TermSet is a set of a question's terms. Bit i stands for Terms[i].
type TermSet uint64

// Has reports whether term i is in the set.
func (s TermSet) Has(i int) bool { return s&(1<<i) != 0 }

// Question is a question, split into terms, in one language.
type Question struct {
	text     string
	language string // language code as in research.Page; empty means English
	Terms    []term
	byKey    map[string]int
	pairs    [][2]int // pairs of terms that are neighbours in the question, ignoring stop words
	phrases  []string // phrases in quotation marks, in lower case
	shape    shape
	foreign  bool               // the question is in another language than the terms are made for
	cache    map[string]string  // from words to their stems
	matched  map[string]TermSet // from words as they are written to the terms that they match
}

// shape describes the form that an answer to a question should have. Each field says whether the question asks for an
// answer of that form.
type shape struct {
	number    bool // a number
	duration  bool // a span of time
	size      bool // a number of bytes, or a percentage
	preset    bool // the default value of something
	why       bool // a reason
	yesNo     bool // a statement or its denial
	moment    bool // a date or a condition
	method    bool // instructions
	condition bool // a condition: "what happens if"
	often     bool // a frequency
	extent    bool // a range from one value to another
	best      bool // the best of several things
}

var (
	quoted     = regexp.MustCompile(`"([^"\n]{2,100})"|“([^”\n]{2,100})”`)
	howLong    = regexp.MustCompile(`(?i)\bhow (long|quickly|soon|much time)\b`)
	longName   = regexp.MustCompile(`(?i)\bhow long (can|may|must|should)\b.*\bbe\b`)
	howMany    = regexp.MustCompile(`(?i)\bhow (many|much|large|big|high|small|deep|far|fast|old|wide)\b`)
	howOften   = regexp.MustCompile(`(?i)\bhow (often|frequently)\b`)
	asksBytes  = regexp.MustCompile(`(?i)\b(how (large|big|much)|size|memory|space)\b`)
	asksCount  = regexp.MustCompile(`(?i)\b(number|maximum|minimum|limit|limits|port|range|fraction|percentage|percent|rate|ratio|threshold|version|code|status|cost|size|length|count)\b`)
	asksTime   = regexp.MustCompile(`(?i)\b(timeout|interval|delay|duration)\b`)
	asksWhen   = regexp.MustCompile(`(?i)^\W*(when|at what time|in which year|in what year|since when)\b|\bwhat date\b`)
	asksWhy    = regexp.MustCompile(`(?i)\b(why|what is the reason|for what reason)\b`)
	asksHow    = regexp.MustCompile(`(?i)\bhow (do|can|could|should|would|must|is|are|to|does)\b`)
	asksYesNo  = regexp.MustCompile(`(?i)^\W*(is|are|was|were|does|do|did|can|could|may|must|should|will|has|have)\b`)
	preset     = regexp.MustCompile(`(?i)\bdefaults?\b|\b(if|when|unless|without)\b.*\b(nothing|not|otherwise|no|none)\b.*\b(set|sets|said|say|says|given|give|configured|specified|specify|chosen|choose|ask|asked|changed|stated|told)\b|\b(unless|without) (\w+ )?(set|configured|specified|given|told|changed|stated)\b|\bout of the box\b`)
	asksExtent = regexp.MustCompile(`(?i)\b(range|bounds|between which|minimum and maximum|smallest and largest)\b`)
	asksBest   = regexp.MustCompile(`(?i)\b(most|least|best|preferred|recommended|safest|fastest|strongest|simplest|cheapest|fittest)\b`)
	happens    = regexp.MustCompile(`(?i)\bwhat (happens|occurs)\b`)
)

// NewQuestion splits a question into terms. The stop words and stems are those of the given language.
func NewQuestion(text, language string) *Question {
	if language == "en" {
		language = ""
	}
	q := &Question{text: text, language: language, byKey: map[string]int{}, cache: map[string]string{}, matched: map[string]TermSet{}}
	q.shape = shapeOf(text)
	q.foreign = foreign(words.Detect(text), language)
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		q.phrases = append(q.phrases, strings.ToLower(m[1]+m[2]))
	}
	previous := -1
	for _, t := range words.Split(text) {
		i := q.addToken(t)
		if i >= 0 && previous >= 0 && i != previous {
			q.pairs = append(q.pairs, [2]int{previous, i})
		}
		if i >= 0 {
			previous = i
		}
	}
	q.addHints()
	return q
}

// isStop reports whether a folded word has no meaning of its own in the question's language.
func (q *Question) isStop(word string) bool {
	return q.language == "" && stopWords[word] || q.language != "" && words.IsStop(q.language, word)
}

// addToken adds the terms of one word or name of the question. It returns the index of the main term, or -1 if none was
// added.
func (q *Question) addToken(t words.Token) int {
	lower := t.Lower()
	if len(lower) > maxTermLength {
		return -1
	}
	digits := strings.ContainsFunc(lower, unicode.IsDigit)
	capitals := len(t.Text) > 1 && t.Text == strings.ToUpper(t.Text) && strings.ContainsFunc(t.Text, unicode.IsUpper)
	switch {
	case t.Compound() && !plainCompound(t):
		i := q.add(term{Key: exact(lower), word: t.Text, Weight: nameWeight, name: true})
		for _, p := range t.Parts {
			if p = words.Fold(p); !q.isStop(p) && len(p) > 1 {
				q.add(term{Key: q.stem(p), word: p, Weight: partWeight})
			}
		}
		// Texts often write only the last part of a qualified name.
		if _, last, qualified := cutLast(lower, "."); qualified && len(last) > 1 {
			q.add(term{Key: exact(last), word: t.Text, Weight: WordWeight, name: true})
		}
		return i
	case t.Compound():
		i := -1
		for _, p := range t.Parts {
			if p = words.Fold(p); !q.isStop(p) && len(p) > 1 {
				i = q.add(term{Key: q.stem(p), word: p, Weight: WordWeight})
			}
		}
		return i
	case t.Call || t.Prefixed:
		i := q.add(term{Key: exact(lower), word: t.Text, Weight: nameWeight, name: true})
		if !q.isStop(lower) {
			q.add(term{Key: q.stem(lower), word: t.Text, Weight: partWeight})
		}
		return i
	case capitals && !q.isStop(lower):
		i := q.add(term{Key: exact(lower), word: t.Text, Weight: capsWeight, name: true})
		q.add(term{Key: q.stem(lower), word: t.Text, Weight: partWeight})
		return i
	case q.isStop(lower), len([]rune(lower)) < 2 && !digits:
		return -1
	case !strings.ContainsFunc(lower, unicode.IsLetter):
		return q.add(term{Key: q.stem(lower), word: t.Text, Weight: numberWeight})
	case lightWords[lower]:
		return q.add(term{Key: q.stem(lower), word: t.Text, Weight: lightWeight})
	case !strings.ContainsFunc(lower, func(r rune) bool { return !unicode.Is(unicode.Hiragana, r) }):
		// A Japanese word that is only in Hiragana is mostly grammar, not the subject of the question.
		return q.add(term{Key: q.stem(lower), word: t.Text, Weight: weakWeight})
	case weakWords[lower]:
		return q.add(term{Key: q.stem(lower), word: t.Text, Weight: weakWeight})
	}
	return q.add(term{Key: q.stem(lower), word: t.Text, Weight: WordWeight})
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// Named reports whether the question contains a name.
func (q *Question) Named() bool {
	return slices.ContainsFunc(q.Terms, func(t term) bool { return t.name })
}

// plainCompound reports whether a token consists of ordinary words with hyphens or apostrophes, and is not a name.
func plainCompound(t words.Token) bool {
	return !strings.ContainsAny(t.Text, "_.") && strings.ContainsAny(t.Text, "-'’") && !t.Prefixed && !t.Call &&
		!strings.ContainsFunc(t.Text, unicode.IsDigit)
}

// add adds a term, or raises the weight of the term with the same key. It returns the index of the term.
func (q *Question) add(t term) int {
	if i, ok := q.byKey[t.Key]; ok {
		old := &q.Terms[i]
		old.Weight, old.Hint, old.name = math.Max(old.Weight, t.Weight), old.Hint && t.Hint, old.name || t.name
		return i
	}
	if len(q.Terms) >= maxTerms {
		return -1
	}
	q.Terms = append(q.Terms, t)
	q.byKey[t.Key] = len(q.Terms) - 1
	return len(q.Terms) - 1
}

func shapeOf(text string) shape {
	var s shape
	nameLength := longName.MatchString(text)
	s.duration = howLong.MatchString(text) && !nameLength || howOften.MatchString(text) || asksTime.MatchString(text)
	s.size = asksBytes.MatchString(text)
	s.number = s.duration || nameLength || howMany.MatchString(text) || asksCount.MatchString(text)
	s.preset = preset.MatchString(text)
	s.why, s.moment = asksWhy.MatchString(text), asksWhen.MatchString(text)
	s.often, s.extent, s.best = howOften.MatchString(text), asksExtent.MatchString(text), asksBest.MatchString(text)
	s.condition = happens.MatchString(text)
	s.yesNo = asksYesNo.MatchString(text)
	s.method = asksHow.MatchString(text) && !s.number && !s.why
	return s
}

// addHints adds words that answers of the question's shape often use. There are hints for English only.
func (q *Question) addHints() {
	if q.language != "" {
		return
	}
	var hints []string
	if q.shape.duration {
		hints = append(hints, "timeout", "time", "interval", "seconds")
	}
	if longName.MatchString(q.text) {
		hints = append(hints, "length", "maximum", "limit")
	} else if howMany.MatchString(q.text) {
		hints = append(hints, "number", "maximum", "limit")
	}
	if q.shape.preset {
		hints = append(hints, "default")
	}
	for _, w := range hints {
		q.add(term{Key: q.stem(w), word: w, Weight: hintWeight, Hint: true})
	}
}

func (q *Question) stem(word string) string {
	if s, ok := q.cache[word]; ok {
		return s
	}
	s := words.Stem(q.language, word)
	q.cache[word] = s
	return s
}

// match returns the question's terms that a token of a text matches. They depend only on how the token is written.
func (q *Question) match(t words.Token) TermSet {
	set, ok := q.matched[t.Text]
	if !ok {
		set = q.matchAnew(t)
		q.matched[strings.Clone(t.Text)] = set // the token may be a part of a long text
	}
	return set
}

func (q *Question) matchAnew(t words.Token) TermSet {
	var set TermSet
	lower := t.Lower()
	if i, ok := q.byKey[exact(lower)]; ok {
		set |= 1 << i
	}
	if !t.Compound() {
		if i, ok := q.byKey[q.stem(lower)]; ok {
			set |= 1 << i
		}
		return set
	}
	for _, p := range t.Parts {
		p = words.Fold(p)
		if i, ok := q.byKey[q.stem(p)]; ok {
			set |= 1 << i
		}
		if i, ok := q.byKey[exact(p)]; ok && len(t.Parts) > 1 {
			set |= 1 << i
		}
	}
	return set
}

// MatchText returns the question's terms that a text contains.
func (q *Question) MatchText(s string) TermSet {
	var set TermSet
	for _, t := range words.Split(s) {
		set |= q.match(t)
	}
	return set
}

// MatchURL returns the question's terms in the path or fragment of a URL.
func (q *Question) MatchURL(path string) TermSet {
	return q.MatchText(strings.NewReplacer("/", " ", "-", " ", "_", " ", ".", " ", "%20", " ", "+", " ").Replace(path)) | q.MatchText(path)
}

// Words lists the terms of a set as they are written in the question, without hints, the highest weight first.
func (q *Question) Words(set TermSet) []string {
	var order []int
	for i := range q.Terms {
		if set.Has(i) && !q.Terms[i].Hint {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(q.Terms[b].Weight, q.Terms[a].Weight) })
	var out []string
	seen := map[string]bool{}
	for _, i := range order {
		if w := q.Terms[i].word; !seen[strings.ToLower(w)] {
			seen[strings.ToLower(w)] = true
			out = append(out, w)
		}
	}
	return out
}

// Query returns the text for full-text search: the question and the hints.
func (q *Question) Query() string {
	parts := []string{q.text}
	for _, t := range q.Terms {
		if t.Hint {
			parts = append(parts, t.word)
		}
	}
	return strings.Join(parts, " ")
}

// English words with little meaning of their own. stopWords are ignored, weakWords have weakWeight, lightWords have lightWeight.
var (
	stopWords = WordSet(`a an the this that these those it its they them their there here he she his her we our us you your i me my one
		who whom whose which what when where why how is are was were be been being am do does did done doing can could may might
		must shall should will would has have had having and or nor but if then else so as at by for from in into of off on onto
		out over to up upon with within about above below among since because
		though although however than too very just also own same such each every any some all both few more most other
		another no not none nothing unless otherwise whether again ever never s t don doesn didn isn aren wasn weren won wouldn couldn
		shouldn can't cannot let lets per via vs etc eg ie please tell many much often soon quickly myself itself themselves really there's
		d ll re ve m`)
	lightWords = WordSet(`most least more less only first last before after while during until between without`)
	weakWords  = WordSet(`use uses used using get gets got give gives given make makes made take takes taken run runs keep keeps
		happen happens mean means need needs needed want way ways kind kinds type sort thing things value values long short large
		small big several come comes go goes put set sets become becomes work works look looks like exactly actually
		new default defaults possible different say says said ask asks return returns
		time times good best better`)
)

// WordSet splits a text at white space and returns the set of its words.
func WordSet(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}
