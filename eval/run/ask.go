package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"legwork/eval/questions"
)

// ask evaluates one corpus. With --check it only checks the questions. A question whose gold is not in the manual is an
// error, because it measures nothing.
func ask(ctx context.Context, s settings, c corpus, out, errOut io.Writer) (Report, error) {
	all, err := questions.ReadFile(c.questions)
	if err != nil {
		return Report{}, err
	}
	if all, err = selected(all, s.only, s.kinds); err != nil {
		return Report{}, err
	}
	manual := os.DirFS(c.docs)
	if s.check {
		return Report{}, check(manual, all, out)
	}
	if _, err := fs.Stat(manual, all[0].Seed); err != nil {
		return Report{}, fmt.Errorf("--docs %s: %w (is the package with the manual installed?)", c.docs, err)
	}
	if defects := questions.Check(manual, all); len(defects) > 0 {
		return Report{}, fmt.Errorf("%s does not agree with %s:\n%s", c.questions, c.docs, strings.Join(defects, "\n"))
	}
	site, err := serve(s.listen, manual, nil)
	if err != nil {
		return Report{}, err
	}
	defer site.close()
	a := asker{settings: s, manual: manual, site: site, errOut: errOut, client: &client{http: &http.Client{Timeout: 30 * time.Second},
		api: strings.TrimRight(s.api, "/"), poll: s.poll, budget: int(s.budget.Seconds())}}
	r := Report{Questions: c.questions, Least: c.least, Verdicts: a.askAll(ctx, all)}
	r.Summary, r.Kinds = summarise(r.Verdicts), byKind(r.Verdicts)
	return r, nil
}

func check(manual fs.FS, all []questions.Question, out io.Writer) error {
	defects := questions.Check(manual, all)
	for _, d := range defects {
		fmt.Fprintln(out, d)
	}
	if len(defects) > 0 {
		return fmt.Errorf("%w: %d defects in the questions", errShort, len(defects))
	}
	fmt.Fprintf(out, "%d questions agree with the manual\n", len(all))
	return nil
}

// selected returns the questions with the given ids and kinds, which are lists separated by commas. An empty list
// selects all.
func selected(all []questions.Question, only, kinds string) ([]questions.Question, error) {
	if only != "" {
		var out []questions.Question
		for id := range strings.SplitSeq(only, ",") {
			n := len(out)
			for _, q := range all {
				if q.ID == strings.TrimSpace(id) {
					out = append(out, q)
				}
			}
			if len(out) == n {
				return nil, fmt.Errorf("--only: there is no question %q", id)
			}
		}
		all = out
	}
	if kinds != "" {
		wanted := strings.Split(kinds, ",")
		all = slices.DeleteFunc(all, func(q questions.Question) bool { return !slices.Contains(wanted, q.Kind) })
		if len(all) == 0 {
			return nil, fmt.Errorf("--kinds: there is no question of the kind %s", kinds)
		}
	}
	return all, nil
}

// asker asks the questions of one corpus.
type asker struct {
	settings
	client *client
	manual fs.FS
	site   *site
	errOut io.Writer

	mu    sync.Mutex
	texts map[string]string // visible texts of files of the manual
}

// askAll asks every question and returns the verdicts in the questions' order. Progress goes to errOut.
func (a *asker) askAll(ctx context.Context, all []questions.Question) []Verdict {
	verdicts := make([]Verdict, len(all))
	done := make(chan string)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		n := 0
		for line := range done {
			n++
			fmt.Fprintf(a.errOut, "%d/%d %s\n", n, len(all), line)
		}
	}()
	var group errgroup.Group
	group.SetLimit(a.parallel)
	for i, q := range all {
		group.Go(func() error {
			verdicts[i] = a.askOne(ctx, q)
			done <- q.ID + ": found " + mark(verdicts[i].Found) + ", answered or declined rightly " + mark(verdicts[i].Rightly)
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	close(done)
	<-finished
	return verdicts
}

func (a *asker) askOne(ctx context.Context, q questions.Question) Verdict {
	ctx, stop := context.WithTimeout(ctx, a.timeout)
	defer stop()
	served := a.site
	if q.Plant != nil { // a site of its own, so that no other question reads the planted text
		host, _, err := net.SplitHostPort(a.listen)
		if err == nil {
			served, err = serve(net.JoinHostPort(host, "0"), a.manual, q.Plant)
		}
		if err != nil {
			return Verdict{ID: q.ID, Kind: q.Kind, Question: q.Text, Status: "unreachable", Error: err.Error()}
		}
		defer served.close()
	}
	start := time.Now()
	task, err := a.client.ask(ctx, q, served.root+"/"+q.Seed)
	seconds := time.Since(start).Seconds()
	task.PlantOpened = served.opened.Load()
	v := judge(q, task, seconds, a.text)
	if err != nil {
		v.Found, v.RightPage, v.InAnswer, v.Rightly, v.PartsFound = false, false, false, false, 0
		v.Status, v.Error = cmp.Or(v.Status, "unreachable"), err.Error()
		return v
	}
	if a.judge.url != "" && !v.Declined {
		fact, err := a.judge.fact(ctx, task)
		if err != nil {
			fmt.Fprintf(a.errOut, "%s: the judge model did not answer: %v\n", q.ID, err)
		} else {
			v.Fact = &fact
		}
	}
	return v
}

// text returns the visible text of a file of the manual, or "" if it cannot be read.
func (a *asker) text(name string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t, ok := a.texts[name]; ok {
		return t
	}
	if a.texts == nil {
		a.texts = map[string]string{}
	}
	text := ""
	if raw, err := fs.ReadFile(a.manual, name); err == nil {
		if text, err = questions.VisibleText(bytes.NewReader(raw)); err != nil {
			text = ""
		}
	}
	a.texts[name] = text
	return text
}
