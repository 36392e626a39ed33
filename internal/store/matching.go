package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"legwork/db"
	"legwork/internal/research"
	"legwork/internal/words"
)

const (
	// maxWords is how many different words of a question are looked for. The statement numbers them by the bits of an integer.
	maxWords = 24
	// otherLanguage is the factor for passages that are not in the question's language, if the question shows it. Words that two
	// languages share are mostly names, so such passages often only mention the subject.
	otherLanguage = 0.75
)

// snapshot is a page whose passages are searched.
type snapshot struct {
	key      int64
	language string
}

// match is a passage that has words of a question.
type match struct {
	page       int64
	ord        int
	start, end int
	heading    string
	score      float64
}

// asked are the words of a question, in the form that statements take.
type asked struct {
	keys     map[string][]string // by language, see words.Query
	language string              // of the question; empty if it does not show it
}

func ask(question string) asked {
	return asked{keys: words.Query(question, maxWords), language: words.Detect(question)}
}

// count returns the number of words.
func (a asked) count() int { return len(a.keys["xx"]) }

// numbers numbers the words.
func (a asked) numbers() []int32 {
	out := make([]int32, a.count())
	for i := range out {
		out[i] = int32(i)
	}
	return out
}

// in returns the words in a language.
func (a asked) in(language string) []string { return a.keys[words.Norm(language)] }

// factor returns the weight of passages in a language.
func (a asked) factor(language string) float64 {
	if a.language == "" || language == "" || words.Norm(language) == words.Norm(a.language) && (language == a.language || words.Norm(language) != "xx") {
		return 1
	}
	return otherLanguage
}

// array writes the words in a language as an array of queries of one word.
func (a asked) array(language string) string {
	quoted := make([]string, a.count())
	for i, key := range a.in(language) {
		quoted[i] = `"` + arrayMarks.Replace(words.Lexeme(key)) + `"`
	}
	return "{" + strings.Join(quoted, ",") + "}"
}

var arrayMarks = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

// any writes a query for any of the words in any language.
func (a asked) any() string {
	seen := map[string]bool{}
	var out []string
	for _, language := range words.Languages() {
		for _, key := range a.in(language) {
			if !seen[key] {
				seen[key] = true
				out = append(out, words.Lexeme(key))
			}
		}
	}
	return strings.Join(out, "|")
}

// match returns at most limit passages of the snapshots that have words of the question, best first by BM25.
func (s *Store) match(ctx context.Context, a asked, snapshots []snapshot, limit int) ([]match, error) {
	if a.count() == 0 || len(snapshots) == 0 {
		return nil, nil
	}
	in := db.MatchPassagesParams{Numbers: a.numbers(), MaxRows: int32(limit)}
	groups, languages := map[string]int32{}, map[int64]string{}
	for _, p := range snapshots {
		n, known := groups[p.language]
		if !known {
			n = int32(len(groups))
			groups[p.language] = n
			in.Groups, in.Words, in.Factors = append(in.Groups, n), append(in.Words, a.array(p.language)), append(in.Factors, a.factor(p.language))
		}
		in.PageIds, in.PageGroups = append(in.PageIds, p.key), append(in.PageGroups, n)
		languages[p.key] = p.language
	}
	rows, err := s.q.MatchPassages(ctx, in)
	if err != nil {
		return nil, err
	}
	return a.score(rows, languages), nil
}

// matchLarge is match for an account with many snapshots.
func (a Account) matchLarge(ctx context.Context, q asked, limit int) ([]match, error) {
	if q.count() == 0 {
		return nil, nil
	}
	in := db.MatchLargeLibraryParams{AccountID: a.id, AnyWord: q.any(), Numbers: q.numbers(), MaxRows: int32(limit)}
	languages := append(words.Languages(), "", "nb", "nn", "ja", "zh", "ko", "th")
	if q.language != "" && !slices.Contains(languages, q.language) {
		languages = append(languages, q.language)
	}
	for _, language := range languages {
		in.Languages, in.Words, in.Factors = append(in.Languages, language), append(in.Words, q.array(language)), append(in.Factors, q.factor(language))
	}
	large, err := a.s.q.MatchLargeLibrary(ctx, in)
	if err != nil {
		return nil, err
	}
	rows := make([]db.MatchPassagesRow, len(large))
	byPage := map[int64]string{}
	for i, r := range large {
		rows[i] = db.MatchPassagesRow{PageID: r.PageID, Ord: r.Ord, StartOffset: r.StartOffset, EndOffset: r.EndOffset, Heading: r.Heading,
			Words: r.Words, Passages: r.Passages, Average: r.Average, Frequencies: r.Frequencies}
		byPage[r.PageID] = r.Language
	}
	return q.score(rows, byPage), nil
}

// score computes BM25 and orders the passages by it.
func (a asked) score(rows []db.MatchPassagesRow, languages map[int64]string) []match {
	out := make([]match, len(rows))
	for i, r := range rows {
		out[i] = match{page: r.PageID, ord: int(r.Ord), start: int(r.StartOffset), end: int(r.EndOffset), heading: r.Heading}
		for k, c := range words.Occurrences(r.Words, a.in(languages[r.PageID])) {
			out[i].score += words.Weigh(r.Frequencies[k], r.Passages) * words.Score(c, float64(r.EndOffset-r.StartOffset), r.Average)
		}
		out[i].score *= a.factor(languages[r.PageID])
	}
	slices.SortStableFunc(out, func(x, y match) int { return cmp.Compare(y.score, x.score) })
	return out
}

// texts returns the texts of passages, by their places in found. It reads each snapshot once, and few at a time.
func (s *Store) texts(ctx context.Context, found []match, chars map[int64]int) ([]string, error) {
	byPage, order := map[int64][]int{}, []int64{}
	for i, m := range found {
		if byPage[m.page] == nil {
			order = append(order, m.page)
		}
		byPage[m.page] = append(byPage[m.page], i)
	}
	texts := make([]string, len(found))
	for len(order) > 0 {
		n, size := 1, chars[order[0]]
		for n < len(order) && size+chars[order[n]] <= textsAtOnce {
			size += chars[order[n]]
			n++
		}
		pages, err := s.q.PageTexts(ctx, order[:n])
		if err != nil {
			return nil, err
		}
		for _, p := range pages {
			places := byPage[p.ID]
			slices.SortFunc(places, func(a, b int) int { return found[a].start - found[b].start })
			text := research.NewCutter(p.Content)
			for _, i := range places {
				piece, _ := text.Cut(found[i].start, found[i].end)
				texts[i] = strings.Clone(piece) // a copy, so that the whole snapshot is not kept in memory
			}
		}
		order = order[n:]
	}
	return texts, nil
}

// textsAtOnce bounds the length of the snapshots that are read together, in code points.
const textsAtOnce = 4 << 20

// hits adds to passages their texts, and what the newest visit of each page says: by the task, or by the account if no task
// is given.
func (s *Store) hits(ctx context.Context, found []match, task *uuid.UUID, account string) ([]research.Hit, error) {
	if len(found) == 0 {
		return nil, nil
	}
	var pages []int64
	for _, m := range found {
		if !slices.Contains(pages, m.page) {
			pages = append(pages, m.page)
		}
	}
	rows, err := s.q.SnapshotVisits(ctx, pages, task, account)
	if err != nil {
		return nil, err
	}
	visits, chars := map[int64]db.SnapshotVisitsRow{}, map[int64]int{}
	for _, r := range rows {
		visits[r.PageKey], chars[r.PageKey] = r, int(r.Chars)
	}
	texts, err := s.texts(ctx, found, chars)
	if err != nil {
		return nil, err
	}
	out := make([]research.Hit, 0, len(found))
	for i, m := range found {
		v, known := visits[m.page]
		if !known || texts[i] == "" { // removed since
			continue
		}
		out = append(out, research.Hit{Passage: research.Passage{Ord: m.ord, Start: m.start, End: m.end, Heading: m.heading},
			PageID: v.PageID, VisitID: v.ID, URL: v.Url, Title: v.Title, Text: texts[i], Rank: m.score})
	}
	return out, nil
}
