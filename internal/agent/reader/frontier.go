package reader

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/ranking"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/words"
)

// Weights of the places where a link can have a term of the question: its own text, the block or definition around it, its
// address, and the heading above it.
const (
	inAnchor  = 1.0
	inContext = 0.8
	inAddress = 0.6
	inHeading = 0.25
	inSource  = 0.35 // in the title of the page that has the link
	inMore    = 0.15 // added for each further place that has the term
)

// maxMentions is the greatest number of links to one page that are stored.
const maxMentions = 200

// Further parts of a page's score, and bounds. Without these parts, a link whose text has all terms of the question
// scores 1.
const (
	focusBonus   = 0.25 // times the share of the question that the link covers, times the share of the link's own words that are in the question
	unionShare   = 0.35 // times the share of the question that all links to a page together cover beyond the best single link
	belowBonus   = 0.20 // times the share of the question in the titles of the pages above this one, judged by its address
	depthCost    = 0.04 // subtracted for each link followed in a row
	sourceBonus  = 0.10 // times the relevance of the page that has the link
	hubBonus     = 0.80 // for an index, a table of contents or a site map, if none was opened before
	letterBonus  = 0.70 // times the share of the question whose terms begin with the letter of this page of an A–Z index
	hubPatience  = 4    // hubs (indexes, tables of contents, site maps) get no bonus after this many pages
	hubPages     = 5    // smallest value of MaxPages with which a hub gets its bonus
	relevantLink = 0.35 // score from which a link counts as relevant
	unlikelyLink = 0.20 // links below this score are not followed once the evidence is strong
)

// mention is one link to a page, with the terms of the question that occur in each place around the link.
type mention struct {
	anchor, context, heading, address, source ranking.TermSet
	words                                     int // number of words in the link's text
	text                                      string
}

// candidate is a page that was not opened yet, with the links to it.
type candidate struct {
	url      string
	depth    int
	root     string // registrable domain of the start page from which it was found
	source   string // title of the page that linked to it first
	relevant float64
	mentions []mention
	union    ranking.TermSet // terms in any link to the page
	below    ranking.TermSet // terms in the titles of the pages above this one, judged by its address
	hub      bool
	letter   ranking.TermSet // for a page of an A–Z index: terms that begin with its letter
	foreign  bool            // on another domain than the start page
	merit    float64         // for a search result: its place in the engine's order, 1 for the first
	order    int             // position in the order of discovery

	score float64
	why   string
}

// frontier is the set of pages that could be opened next. Its choices depend only on the links offered and on their order.
type frontier struct {
	q          *ranking.Question
	maxDepth   int // the task's MaxDepth; a hub at this depth gets no bonus, because its links may not be followed
	patience   int // number of opened pages after which hubs get no bonus; negative means that hubs never get it
	candidates map[string]*candidate
	order      []*candidate
	opened     map[string]bool // URLs that were opened or are being opened
	df         []int           // for each term, the number of pages with a link that has the term
	hubs       int             // number of hubs opened
	unrelated  int             // number of pages opened although no link to them has a term of the question
	count      int
}

func newFrontier(q *ranking.Question, maxDepth, maxPages int) *frontier {
	return &frontier{q: q, maxDepth: maxDepth, patience: min(hubPatience, maxPages-hubPages),
		candidates: map[string]*candidate{}, opened: map[string]bool{}, df: make([]int, len(q.Terms))}
}

var (
	hubWords      = regexp.MustCompile(`(?i)^(general |full |complete |book |alphabetical |subject |site |keyword )?(index|a ?[-–] ?z( index)?|table of contents|contents|site ?map|index of .*|all .* on one page)$`)
	hubPaths      = regexp.MustCompile(`(?i)^(.*-)?(bookindex|genindex|doc-?index|sitemap|site-map|contents|toc|a-z|az-index)(-all)?(\.\w+)?$`)
	sectionNumber = regexp.MustCompile(`^((Chapter|Section|Appendix|Part) )?([A-Z]|[IVXLC]+|[A-Z]?[\d.]+)\. `)
	letterText    = regexp.MustCompile(`^[A-Za-z]$`)
	letterPath    = regexp.MustCompile(`(?i)(?:index)[-_/]?([a-z])(?:\.\w+)?$`)
	navigation    = regexp.MustCompile(`(?i)^(next|prev|previous|up|home|top|back|»|«|→|←|¶|#|edit|print|search|login|log in|sign in|sign up|register|skip to (main )?content|show source|report a bug)$`)
	notPages      = ranking.WordSet(`.zip .gz .bz2 .xz .tar .tgz .7z .rar .png .jpg .jpeg .gif .svg .webp
		.ico .css .js .mp3 .mp4 .avi .mov .webm .exe .dmg .iso .deb .rpm .jar .whl .epub
		.woff .woff2 .ttf .doc .docx .xls .xlsx .ppt .pptx .odt`)
)

// source is the page whose links are offered.
type source struct {
	title     string
	path      string // path of its URL
	depth     int
	root      string
	relevance float64
}

// offer adds the links of a page to the frontier. It skips links to pages opened before, and to files that are not
// pages, such as images and archives.
func (f *frontier) offer(from source, links []research.Link) {
	for _, l := range links {
		u, err := url.Parse(l.URL)
		if err != nil || notPages[strings.ToLower(path.Ext(u.Path))] || f.opened[l.URL] {
			continue
		}
		c := f.candidates[l.URL]
		if c == nil {
			c = &candidate{url: l.URL, depth: from.depth + 1, root: from.root, source: from.title, order: len(f.order), foreign: true}
			f.candidates[l.URL] = c
			f.order = append(f.order, c)
		}
		if from.depth+1 < c.depth {
			c.depth, c.root, c.source = from.depth+1, from.root, from.title
		}
		c.relevant = max(c.relevant, from.relevance)
		c.foreign = c.foreign && page.Domain(u.Host) != c.root
		f.mention(c, u, l, from.title)
		if stem := strings.TrimSuffix(from.path, path.Ext(from.path)); len(stem) > 1 && strings.HasPrefix(u.Path, stem) && u.Path != from.path {
			c.below |= f.q.MatchText(sectionNumber.ReplaceAllString(from.title, ""))
		}
	}
}

// start adds a search result to the frontier. merit, 0..1, is its place in the engine's order; the first result has 1.
func (f *frontier) start(address, root, title, snippet string, merit float64) {
	if f.candidates[address] != nil {
		return
	}
	c := &candidate{url: address, root: root, order: len(f.order), merit: merit}
	c.mentions = []mention{{text: title, anchor: f.q.MatchText(title), context: f.q.MatchText(snippet), words: len(words.Split(title))}}
	c.union = c.mentions[0].anchor | c.mentions[0].context
	f.candidates[address] = c
	f.order = append(f.order, c)
}

// mention adds one link to c, with the terms of the question that it has.
func (f *frontier) mention(c *candidate, u *url.URL, l research.Link, title string) {
	before := c.union
	m := mention{text: l.Text, address: f.q.MatchURL(lastSegments(u.Path)) | f.q.MatchURL(l.Frag)}
	if !navigation.MatchString(l.Text) {
		text := sectionNumber.ReplaceAllString(l.Text, "")
		m.anchor, m.words = f.q.MatchText(text), len(words.Split(text))
		m.context = m.anchor | f.q.MatchText(strings.Replace(l.Context, l.Text, "", 1))
		m.heading, m.source = f.q.MatchText(l.Heading), f.q.MatchText(sectionNumber.ReplaceAllString(title, ""))
	}
	base := path.Base(u.Path)
	c.hub = c.hub || hubWords.MatchString(strings.TrimSpace(l.Text)) && l.Frag == "" || hubPaths.MatchString(base)
	letter := ""
	if sub := letterPath.FindStringSubmatch(base); sub != nil {
		letter = strings.ToLower(sub[1])
	} else if letterText.MatchString(l.Text) && l.Frag == "" {
		letter = strings.ToLower(l.Text)
	}
	if letter != "" {
		c.hub = false
		for i, t := range f.q.Terms {
			if strings.HasPrefix(strings.TrimPrefix(t.Key, "="), letter) && !t.Hint && t.Weight >= ranking.WordWeight {
				c.letter |= 1 << i
			}
		}
	}
	c.union |= m.anchor | m.context | m.address
	for i := range f.df {
		if c.union.Has(i) && !before.Has(i) {
			f.df[i]++
		}
	}
	if len(c.mentions) < maxMentions {
		c.mentions = append(c.mentions, m)
	}
}

// lastSegments returns the last two segments of a path. They usually say what a page is about.
func lastSegments(p string) string {
	parts := strings.Split(strings.Trim(p, "/"), "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}

// weights returns for each term its weight times its rarity among the linked pages, and the sum of these values without
// hints. A term that most links have does not distinguish pages, so its value is low.
func (f *frontier) weights() ([]float64, float64) {
	n := float64(len(f.order))
	out := make([]float64, len(f.q.Terms))
	sum := 0.0
	for i, t := range f.q.Terms {
		df := float64(f.df[i])
		out[i] = t.Weight * ranking.Rarity(df, n)
		if !t.Hint {
			sum += out[i]
		}
	}
	return out, max(sum, 1e-9)
}

// next takes the page with the best score from the frontier, or returns nil if there is none. It considers only pages
// for which allowed returns true. A page without a term of the question is returned only if it is a hub, or if
// allowUnrelated is true and the page is on the domain of its start page. The second result is the best score among the
// pages for which allowed returned false.
func (f *frontier) next(allowUnrelated bool, allowed func(*candidate) bool) (*candidate, float64) {
	weights, sum := f.weights()
	var best *candidate
	refused := 0.0
	for _, c := range f.order {
		if f.opened[c.url] {
			continue
		}
		f.rate(c, weights, sum)
		if !allowed(c) {
			refused = max(refused, c.score)
			continue
		}
		if c.union == 0 && !c.hub && (!allowUnrelated || c.foreign) {
			continue
		}
		if best == nil || c.score > best.score {
			best = c
		}
	}
	if best != nil {
		f.markOpened(best.url)
		f.count++
		switch {
		case best.hub:
			f.hubs++
		case best.union == 0:
			f.unrelated++
		}
	}
	return best, refused
}

// markOpened records that a URL was opened.
func (f *frontier) markOpened(url string) { f.opened[url] = true }

// rate computes the score of a page from the links to it, and a sentence that explains the score.
func (f *frontier) rate(c *candidate, weights []float64, sum float64) {
	best, bestAt := 0.0, 0
	for i, m := range c.mentions {
		covered := f.cover(weights, m.strength) / sum
		if m.words > 0 {
			covered += focusBonus * covered * min(1, float64(ranking.Count(m.anchor|m.context))/float64(m.words))
		}
		if covered > best {
			best, bestAt = covered, i
		}
	}
	union := f.cover(weights, func(t int) float64 { return ranking.Pick(c.union, t, inContext) }) / sum
	c.score = best + unionShare*max(0, union-best) + c.merit
	if c.union != 0 {
		c.score += sourceBonus*c.relevant - depthCost*float64(c.depth-1)
		c.score += belowBonus * f.cover(weights, func(t int) float64 { return ranking.Pick(c.below, t, 1) }) / sum
	}
	if f.count <= f.patience && c.depth < f.maxDepth {
		if c.hub && f.hubs == 0 {
			c.score += hubBonus
		}
		if c.letter != 0 {
			c.score += letterBonus * f.cover(weights, func(t int) float64 { return ranking.Pick(c.letter, t, 1) }) / sum
		}
	}
	c.why = f.explain(c, bestAt)
}

// strength returns how well a link has a term, 0..1: the weight of the best place where the term occurs, plus inMore for
// each further place.
func (m *mention) strength(t int) float64 {
	best, places := 0.0, 0
	for _, p := range [...]struct {
		set   ranking.TermSet
		value float64
	}{{m.anchor, inAnchor}, {m.context &^ m.anchor, inContext}, {m.address, inAddress}, {m.heading, inHeading}, {m.source, inSource}} {
		if p.set.Has(t) {
			best, places = max(best, p.value), places+1
		}
	}
	if places > 1 {
		best = min(1, best+inMore*float64(places-1))
	}
	return best
}

func (f *frontier) cover(weights []float64, strength func(t int) float64) float64 {
	sum := 0.0
	for i, w := range weights {
		sum += w * strength(i)
	}
	return sum
}

// explain returns the reasons why a page is opened, for the user.
func (f *frontier) explain(c *candidate, best int) string {
	m := c.mentions[best]
	var reasons []string
	if c.merit > 0 {
		reasons = append(reasons, "the search found it")
	}
	if c.hub {
		reasons = append(reasons, "it looks like an index of the site")
	}
	if c.letter != 0 {
		reasons = append(reasons, "it is the part of an index under which "+agent.JoinWords(f.q.Words(c.letter))+" would stand")
	}
	if words := f.q.Words(m.anchor); len(words) > 0 {
		reasons = append(reasons, "its text shares "+agent.JoinWords(words)+" with the question")
	}
	if words := f.q.Words(m.context &^ m.anchor); len(words) > 0 {
		reasons = append(reasons, "the entry around it mentions "+agent.JoinWords(words))
	}
	if words := f.q.Words(m.address &^ m.anchor &^ m.context); len(words) > 0 {
		reasons = append(reasons, "its address mentions "+agent.JoinWords(words))
	}
	if len(reasons) == 0 {
		return "nothing closer to the question is in sight"
	}
	return strings.Join(reasons, "; ")
}

// label returns a name, for the user, of a page that was not opened yet: the text of a link to the page, or else its
// URL.
func (c *candidate) label() string {
	for _, m := range c.mentions {
		if m.text != "" && !navigation.MatchString(m.text) {
			return fmt.Sprintf("“%s”", m.text)
		}
	}
	return c.url
}
