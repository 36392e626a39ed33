// Extraction measures how well readers find the main content of pages. It compares legwork with other readers on the same pages:
//
//	make extraction                                          # the annotated pages of this project
//	make extraction PAGES=folder GOLD=folder                 # others: PAGES/NAME.html and GOLD/NAME.txt
//	make extraction ARGS='-other trafilatura=folder -worst 10'
//
// A page's content is a text that a person has marked. A reader's text is compared with it word by word; order and
// layout do not matter. Words that are not content lower the precision, and content that is missing lowers the
// recall. -other names a folder with the texts of another program, one NAME.txt per page, which are scored in the
// same way.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	readability "codeberg.org/readeck/go-readability/v2"

	"legwork/internal/page"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "extraction:", err)
		os.Exit(1)
	}
}

// run scores all readers and prints the tables. The error says what is missing, or which bound was not reached.
func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("extraction", flag.ContinueOnError)
	pages := flags.String("pages", "eval/extraction/testdata/pages", "folder with NAME.html")
	gold := flags.String("gold", "eval/extraction/testdata/gold", "folder with NAME.txt, the content of each page")
	worst := flags.Int("worst", 0, "print the N pages where legwork's score is lowest")
	others := map[string]string{}
	flags.Func("other", "NAME=FOLDER: the texts of another program", func(v string) error {
		name, folder, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("must be NAME=FOLDER")
		}
		others[name] = folder
		return nil
	})
	minF1 := flags.Float64("min", 0, "least F1 of legwork, from 0 to 1")
	if err := flags.Parse(args); err != nil {
		return err
	}
	corpus, err := load(*pages, *gold)
	if err != nil {
		return err
	}
	readers := []reader{{"legwork", legwork}, {"readability alone", plainReadability}}
	for name, folder := range others {
		readers = append(readers, reader{name, texts(folder)})
	}
	own := table(out, corpus, readers)
	report(out, own, *worst)
	if f1 := mean(scores(own)).f1(); f1 < *minF1 {
		return fmt.Errorf("F1 is %.3f, and %.3f is wanted", f1, *minF1)
	}
	return nil
}

// annotated is a page, with the text that a person has marked as its content.
type annotated struct {
	name    string
	html    []byte
	content string
}

// load reads the annotated pages: the HTML files in pages, and their content in gold.
func load(pages, gold string) ([]annotated, error) {
	files, err := filepath.Glob(filepath.Join(pages, "*.html"))
	if err != nil {
		return nil, err
	}
	var corpus []annotated
	for _, file := range files {
		a := annotated{name: strings.TrimSuffix(filepath.Base(file), ".html")}
		content, err := os.ReadFile(filepath.Join(gold, a.name+".txt"))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		a.content = string(content)
		if a.html, err = os.ReadFile(file); err != nil {
			return nil, err
		}
		corpus = append(corpus, a)
	}
	if len(corpus) == 0 {
		return nil, fmt.Errorf("no page in %s has a text of the same name in %s", pages, gold)
	}
	return corpus, nil
}

// reader is a program that finds the content of a page.
type reader struct {
	name string
	read func(a annotated) (string, error)
}

// address is the URL that the readers get for every page. It is never requested.
var address = url.URL{Scheme: "https", Host: "pages.example", Path: "/page.html"}

// legwork reads a page in the same way as a task that reads it over HTTP.
func legwork(a annotated) (string, error) {
	base := address
	p, _, err := page.Read(&base, http.Header{"Content-Type": {"text/html; charset=utf-8"}}, a.html)
	if errors.Is(err, page.ErrEmpty) {
		return "", nil
	}
	return p.Text, err
}

// plainReadability reads a page with go-readability alone.
func plainReadability(a annotated) (string, error) {
	base := address
	found, err := readability.FromReader(strings.NewReader(string(a.html)), &base)
	if err != nil || found.Node == nil {
		return "", nil //nolint:nilerr //nolint:nilerr // if no article was found, the text is empty
	}
	var b strings.Builder
	err = found.RenderText(&b)
	return found.Title() + "\n" + b.String(), err
}

// texts returns a function that returns the text that another program has found in a page and stored in folder. The
// text is empty if the folder has no file for the page.
func texts(folder string) func(annotated) (string, error) {
	return func(a annotated) (string, error) {
		b, err := os.ReadFile(filepath.Join(folder, a.name+".txt"))
		if errors.Is(err, os.ErrNotExist) {
			return "", nil
		}
		return string(b), err
	}
}

// result is the score of one page.
type result struct {
	name string
	score
}

// table prints a line with the mean scores of each reader, and returns the results of the first reader.
func table(out io.Writer, corpus []annotated, readers []reader) []result {
	_, _ = fmt.Fprintf(out, "| reader | pages | precision | recall | F1 |\n|---|---|---|---|---|\n")
	var own []result
	for i, r := range readers {
		var all []result
		for _, a := range corpus {
			text, err := r.read(a)
			if err != nil {
				_, _ = fmt.Fprintf(out, "%s: %s: %v\n", r.name, a.name, err)
			}
			all = append(all, result{a.name, compare(text, a.content)})
		}
		m := mean(scores(all))
		_, _ = fmt.Fprintf(out, "| %s | %d | %.3f | %.3f | %.3f |\n", r.name, len(all), m.precision, m.recall, m.f1())
		if i == 0 {
			own = all
		}
	}
	return own
}

func scores(results []result) []score {
	var all []score
	for _, r := range results {
		all = append(all, r.score)
	}
	return all
}

// report lists the n pages with the lowest scores.
func report(out io.Writer, results []result, n int) {
	slices.SortStableFunc(results, func(a, b result) int {
		switch d := a.f1() - b.f1(); {
		case d < 0:
			return -1
		case d > 0:
			return 1
		}
		return 0
	})
	for _, r := range results[:min(n, len(results))] {
		_, _ = fmt.Fprintf(out, "%.3f %s: precision %.3f, recall %.3f\n", r.f1(), r.name, r.precision, r.recall)
	}
}
