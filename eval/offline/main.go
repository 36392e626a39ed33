// Command offline asks the built-in reader the questions of eval/ in memory: without a server, a database, HTTP and a
// browser. The reader, the reading of pages, the words and BM25 are those of the server. So it takes seconds, and can
// measure what each cue of the ranking is worth.
//
//	go run ./eval/offline -docs FOLDER,… -questions FILE,…            # a line per set
//	go run ./eval/offline -docs … -questions … -mode library          # start at a search over all pages
//	go run ./eval/offline -docs … -questions … -json out.json         # the outcome of each question, with its relevance
//	go run ./eval/offline -docs … -questions … -fit                   # the coefficients of the confidence
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"legwork/eval/questions"
)

func main() {
	docs := flag.String("docs", "", "folders of the manuals, separated by commas")
	files := flag.String("questions", "", "question files, one for each folder")
	mode := flag.String("mode", "seed", "seed: from the start page of each question; library: from a search over all pages")
	out := flag.String("json", "", "write the outcome of each question to this file")
	fitted := flag.Bool("fit", false, "compute the coefficients of the confidence from the outcomes")
	verbose := flag.Bool("v", false, "print a line per question")
	flag.Parse()
	if err := run(context.Background(), strings.Split(*docs, ","), strings.Split(*files, ","), *mode, *out, *verbose, *fitted); err != nil {
		fmt.Fprintln(os.Stderr, "offline:", err)
		os.Exit(2)
	}
}

// set is a file of questions with its manual.
type set struct {
	name    string
	manual  *manual
	all     []questions.Question
	library []*document
}

func run(ctx context.Context, docs, files []string, mode, out string, verbose, fitted bool) error {
	if len(docs) != len(files) {
		return fmt.Errorf("%d folders for %d question files", len(docs), len(files))
	}
	sets := make([]set, len(docs))
	manuals := map[string]*manual{}
	for i := range docs {
		all, err := questions.ReadFile(files[i])
		if err != nil {
			return err
		}
		if manuals[docs[i]] == nil {
			manuals[docs[i]] = &manual{files: os.DirFS(docs[i]), pages: map[string]*document{}}
		}
		sets[i] = set{name: strings.TrimSuffix(files[i], path.Ext(files[i])), manual: manuals[docs[i]], all: all}
		if mode == "library" {
			if sets[i].library, err = manuals[docs[i]].all(); err != nil {
				return err
			}
		}
	}
	outcomes, err := askAll(ctx, sets)
	if err != nil {
		return err
	}
	print(sets, outcomes, verbose)
	reliability(outcomes)
	if fitted {
		fit(outcomes)
	}
	if out == "" {
		return nil
	}
	b, err := json.MarshalIndent(outcomes, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, b, 0o600)
}

// askAll asks the questions of all sets, two at a time, and returns the outcomes in their order.
func askAll(ctx context.Context, sets []set) ([]outcome, error) {
	var out []outcome
	for _, s := range sets {
		some := make([]outcome, len(s.all))
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(2)
		for i, q := range s.all {
			group.Go(func() (err error) {
				if some[i], err = ask(ctx, s.name, s.manual, q, s.library); err != nil {
					return fmt.Errorf("%s: %w", q.ID, err)
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// tally is what the outcomes of a set say together.
type tally struct {
	asked, unanswerable, declined, wrongly              int
	found, first, opened, among5, among40, right, cited int
	placed, rightPlace                                  int
}

func (t *tally) add(o outcome) {
	one := func(n *int, is bool) {
		if is {
			*n++
		}
	}
	if !o.Answerable {
		t.unanswerable++
		one(&t.declined, o.Declined)
		return
	}
	t.asked++
	one(&t.wrongly, o.Declined)
	one(&t.found, o.Found)
	one(&t.first, o.First)
	one(&t.opened, o.Opened)
	one(&t.among5, o.Among > 0 && o.Among <= 5)
	one(&t.among40, o.Among > 0)
	t.right, t.cited, t.placed, t.rightPlace = t.right+o.Right, t.cited+o.Citations, t.placed+o.Placed, t.rightPlace+o.RightPlace
}

func (t tally) String() string {
	share := func(n, of int) string { return fmt.Sprintf("%d/%d", n, of) }
	return fmt.Sprintf("found %7s  first %7s  opened %7s  among5 %7s  among40 %7s  wrongly declined %d  declined %7s  right citations %8s  place %s",
		share(t.found, t.asked), share(t.first, t.asked), share(t.opened, t.asked), share(t.among5, t.asked), share(t.among40, t.asked), t.wrongly,
		share(t.declined, t.unanswerable), share(t.right, t.cited), share(t.rightPlace, t.placed))
}

func print(sets []set, outcomes []outcome, verbose bool) {
	var total tally
	for _, s := range sets {
		var t tally
		for _, o := range outcomes {
			if o.Manual == s.name {
				t.add(o)
				total.add(o)
				if verbose {
					fmt.Printf("  %-32s %-12s found %v first %v opened %v among %d declined %v confidence %.2f pages %d %.2fs\n",
						o.ID, o.Kind, o.Found, o.First, o.Opened, o.Among, o.Declined, o.Confidence, o.Pages, o.Seconds)
				}
			}
		}
		fmt.Printf("%-24s %s\n", s.name, t)
	}
	fmt.Printf("%-24s %s\n", "all", total)
}
