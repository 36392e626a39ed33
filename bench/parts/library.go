package parts

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"legwork/bench/measure"
	"legwork/internal/store"
)

// Sizes of part library. There are libraryPages pages, and the searching account has read libraryOwn of them.
const (
	libraryPages  = 20_000
	libraryOwn    = 1_000
	passagesAPage = 20
	librarySearch = 40 // number of searches in one round
)

// libraryPart is part h: searches in a library of 400,000 passages, by an account that has read 1,000 of the pages,
// and by an account that has read none. The reference is a statement that uses the word index first and filters by
// account last.
func libraryPart(ctx context.Context, b *Bench) error {
	pages, own := libraryPages, libraryOwn
	if b.Quick {
		pages, own = 200, 20
	}
	url, err := b.database(ctx, "library")
	if err != nil {
		return err
	}
	if err := fillLibrary(ctx, url, pages, own); err != nil {
		return err
	}
	st, err := store.Open(ctx, store.Config{URL: url, MaxConns: 2, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer st.Close()
	conn, err := st.Connect(ctx, "bench: words first")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	search := func(account string) measure.Side {
		return func(ctx context.Context) (map[string]float64, error) {
			return timed(librarySearch, func(question string) error {
				_, err := st.For(account).SearchLibrary(ctx, question, 20)
				return err
			})
		}
	}
	got, err := measure.Rounds(ctx, b.Pairs, map[string]measure.Side{
		"some": search("some"), "none": search("none"),
		"words": func(ctx context.Context) (map[string]float64, error) {
			return timed(3, func(question string) error {
				_, err := conn.Exec(ctx, wordsFirst, question)
				return err
			})
		},
	}, "some", "words", "none")
	if err != nil {
		return err
	}
	b.Report.Add(measure.Figure{Part: "h", Name: fmt.Sprintf("library search, %d of %d pages, p95", own, pages), Unit: "ms", Values: got["some"]["p95"],
		Reference: "words first", References: got["words"]["p95"], Target: &measure.Target{Of: "value", AtMost: 50}})
	b.Report.Add(measure.Figure{Part: "h", Name: fmt.Sprintf("library search, none of %d pages, p95", pages), Unit: "ms", Values: got["none"]["p95"],
		Reference: "words first", References: got["words"]["p95"], Target: &measure.Target{Of: "value", AtMost: 10}})
	return nil
}

// wordsFirst ranks the passages of all accounts and filters by account last, as versions before schema 9 did.
const wordsFirst = `WITH asked AS (SELECT string_agg(quote_literal(l), ' | ')::tsquery AS query FROM unnest(tsvector_to_array(to_tsvector('simple', $1))) l),
best AS (SELECT DISTINCT ON (ps.page_id) ps.page_id, ts_rank_cd('{1.0, 0.5, 0.5, 0.2}', ps.tsv, a.query, 1) AS rank
         FROM asked a JOIN passages ps ON ps.tsv @@ a.query ORDER BY ps.page_id, rank DESC, ps.ord)
SELECT b.page_id FROM best b WHERE EXISTS (SELECT 1 FROM visits v WHERE v.page_id = b.page_id AND v.account_id = 'some')
ORDER BY b.rank DESC LIMIT 20`

// timed asks n questions of four words and returns the 95th percentile of their times, in milliseconds.
func timed(n int, ask func(question string) error) (map[string]float64, error) {
	took := make([]float64, n)
	for i := range took {
		question := ""
		for range 4 {
			question += fmt.Sprintf("term%d ", word(rand.Float64()))
		}
		began := time.Now()
		if err := ask(question); err != nil {
			return nil, err
		}
		took[i] = float64(time.Since(began).Microseconds()) / 1e3
	}
	slices.Sort(took)
	return map[string]float64{"p95": took[min(n-1, n*95/100)]}, nil
}

// word returns the rank of a word in a random text by Zipf's law; at is uniform in [0,1). The 20 most common words
// are left out, because they would be stop words. The most common remaining word is on average in every fifth
// passage.
func word(at float64) int { return int(20 * math.Exp(at*math.Log(1000))) }

// fillLibrary inserts pages with passagesAPage passages each. own is how many of them the account "some" has read.
// The account "many" has read all of them.
func fillLibrary(ctx context.Context, url string, pages, own int) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for _, sql := range []string{
		fmt.Sprintf(`INSERT INTO accounts (id) VALUES ('some'), ('many'), ('none');
		 SELECT setseed(0.5);
		 CREATE TEMP TABLE texts AS
		   SELECT n, (SELECT string_agg('term' || floor(20 * exp(random() * ln(1000))), ' ') FROM generate_series(1, 45) WHERE n >= 0) AS text FROM generate_series(0, 19999) n;
		 CREATE TEMP TABLE vectors AS SELECT n, to_tsvector('simple', text) AS tsv FROM texts;
		 CREATE UNIQUE INDEX ON vectors (n); ANALYZE vectors;
		 INSERT INTO pages (sha256, title, language, chars, content)
		   SELECT sha256(convert_to(c, 'UTF8')), 'Page', 'xx', char_length(c), c
		   FROM (SELECT rpad('page ' || i || ' ', %d, md5(i::text) || ' ') AS c FROM generate_series(1, %d) i) s;
		 DROP INDEX passages_tsv;
		 INSERT INTO passages (page_id, ord, start_offset, end_offset, heading, tsv)
		   SELECT p.id, o, o * 400, o * 400 + 390, '', v.tsv FROM pages p CROSS JOIN generate_series(0, %d) o
		   JOIN vectors v ON v.n = (p.id * 7919 + o * 104729) %% 20000 ORDER BY p.id, o;
		 CREATE INDEX passages_tsv ON passages USING gin (tsv);
		 INSERT INTO visits (id, account_id, page_id, url, final_url, outcome, message, status, title, depth, bytes, millis, fetched_at)
		   SELECT gen_random_uuid(), 'many', id, 'http://x.example/' || id, 'http://x.example/' || id, 'ok', '', 200, 'Page', 0, 1, 1, now() FROM pages;
		 INSERT INTO visits (id, account_id, page_id, url, final_url, outcome, message, status, title, depth, bytes, millis, fetched_at)
		   SELECT gen_random_uuid(), 'some', id, 'http://y.example/' || id, 'http://y.example/' || id, 'ok', '', 200, 'Page', 0, 1, 1, now()
		   FROM (SELECT id FROM pages ORDER BY md5(id::text) LIMIT %d) p`, passagesAPage*400, pages, passagesAPage-1, own),
		"VACUUM ANALYZE",
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("fill the library: %w", err)
		}
	}
	return nil
}
