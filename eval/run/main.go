// Command run asks a legwork server the questions in a file about a manual. It serves the manual itself on a loopback
// port, and reports how many answers cite the expected page with the expected text.
//
// It uses only the public HTTP API, so it measures what a user gets. The verdict about a question (judge.go) depends
// only on the question and the finished task. If a task ends with an error, or not in time, its question is not
// found.
//
//	go run ./eval/run --questions eval/postgresql.jsonl --docs /usr/share/doc/postgresql-doc-15 --min 0.8
//
// The server must be allowed to open the loopback network (FETCH_ALLOW_NETS=127.0.0.0/8). Exit status: 0 passed; 1
// fewer questions found than --min, or --check found a defect; 2 the run failed.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

type settings struct {
	api, docs, listen, questions, json, only, compare string
	parallel                                          int
	timeout, budget, poll                             time.Duration
	least                                             string
	corpora                                           []corpus
	check                                             bool
}

// corpus is a set of questions about one manual.
type corpus struct {
	questions, docs string
	least           float64
}

// errShort means that the evaluation ran to its end, but fewer questions were found than --min demands.
var errShort = errors.New("the evaluation was not passed")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
	case errors.Is(err, errShort):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func parse(args []string, errOut io.Writer) (settings, error) {
	var s settings
	f := flag.NewFlagSet("run", flag.ContinueOnError)
	f.SetOutput(errOut)
	f.StringVar(&s.api, "api", "http://127.0.0.1:8000", "root `URL` of the legwork server")
	f.StringVar(&s.docs, "docs", "", "`folder` of the manual; the paths of the questions are relative to it; of several, parted by commas")
	f.StringVar(&s.listen, "listen", "127.0.0.1:0", "loopback `address` to serve the manual at; port 0 takes a free one")
	f.StringVar(&s.questions, "questions", "eval/postgresql.jsonl", "question `file`, or several parted by commas")
	f.StringVar(&s.json, "json", "", "also write the report to this `file` as JSON")
	f.StringVar(&s.compare, "compare", "", "print what differs from the report in this JSON `file`")
	f.StringVar(&s.only, "only", "", "ask only the questions with these `ids`, parted by commas")
	f.IntVar(&s.parallel, "parallel", 2, "questions asked at the same time")
	f.DurationVar(&s.timeout, "timeout", 120*time.Second, "longest wait for one question")
	f.DurationVar(&s.budget, "time-budget", 60*time.Second, "research time given to each task")
	f.DurationVar(&s.poll, "poll", 200*time.Millisecond, "time between two looks at a task")
	f.StringVar(&s.least, "min", "0", "least `share` of questions that must be found, 0..1; one, or one per question file")
	f.BoolVar(&s.check, "check", false, "only check the questions against the manual, without a server")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	switch {
	case f.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case s.docs == "":
		return s, errors.New("--docs is missing: name the folder of the manual, e.g. /usr/share/doc/postgresql-doc-15")
	case s.parallel < 1:
		return s, fmt.Errorf("--parallel %d: at least 1 is needed", s.parallel)
	case s.poll <= 0 || s.timeout <= 0 || s.budget < time.Second:
		return s, errors.New("--poll and --timeout must be positive, --time-budget at least 1s")
	}
	return s, s.pair()
}

// pair combines the lists of --questions and --docs: each question file and the manual at the same position form one
// corpus. --min has the least share of questions that must be found, either one for each corpus or one for all of
// them.
func (s *settings) pair() error {
	questions, docs, least := strings.Split(s.questions, ","), strings.Split(s.docs, ","), strings.Split(s.least, ",")
	if len(docs) != len(questions) || len(least) != len(questions) && len(least) != 1 {
		return errors.New("--questions, --docs and --min must name as many")
	}
	for i, q := range questions {
		share, err := strconv.ParseFloat(least[min(i, len(least)-1)], 64)
		if err != nil || share < 0 || share > 1 {
			return fmt.Errorf("--min %s: a share from 0 to 1 is needed", s.least)
		}
		s.corpora = append(s.corpora, corpus{q, docs[i], share})
	}
	return nil
}

func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	s, err := parse(args, errOut)
	if err != nil {
		return err
	}
	var old Evaluation
	if s.compare != "" {
		if old, err = readEvaluation(s.compare); err != nil {
			return err
		}
	}
	var e Evaluation
	for _, c := range s.corpora {
		r, err := ask(ctx, s, c, out, errOut)
		if err != nil {
			return err
		}
		if !s.check {
			e.Corpora = append(e.Corpora, r)
		}
	}
	if s.check {
		return nil
	}
	e.total()
	if err := publish(e, s.json, out); err != nil {
		return err
	}
	if s.compare != "" {
		if err := writeComparison(out, old, e); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	for _, r := range e.Corpora {
		if r.Summary.Found < r.Least {
			return fmt.Errorf("%w: %s: %.1f %% found, %.1f %% wanted", errShort, r.Questions, 100*r.Summary.Found, 100*r.Least)
		}
	}
	return nil
}

// ask evaluates one corpus. With --check it only checks the questions.
func ask(ctx context.Context, s settings, c corpus, out, errOut io.Writer) (Report, error) {
	file, err := os.Open(c.questions)
	if err != nil {
		return Report{}, err
	}
	questions, err := readQuestions(file)
	_ = file.Close()
	if err != nil {
		return Report{}, fmt.Errorf("%s: %w", c.questions, err)
	}
	if questions, err = selected(questions, s.only); err != nil {
		return Report{}, err
	}
	manual := os.DirFS(c.docs)
	if s.check {
		return Report{}, check(manual, questions, out)
	}
	if _, err := fs.Stat(manual, questions[0].Seed); err != nil {
		return Report{}, fmt.Errorf("--docs %s: %w (is the package with the manual installed?)", c.docs, err)
	}
	root, stop, err := serve(s.listen, manual)
	if err != nil {
		return Report{}, err
	}
	defer stop()
	r := Report{Questions: c.questions, Least: c.least, Verdicts: askAll(ctx, s, questions, root, errOut)}
	r.Summary = summarise(r.Verdicts)
	return r, nil
}

func check(manual fs.FS, questions []Question, out io.Writer) error {
	defects := checkQuestions(manual, questions)
	for _, d := range defects {
		fmt.Fprintln(out, d)
	}
	if len(defects) > 0 {
		return fmt.Errorf("%w: %d defects in the questions", errShort, len(defects))
	}
	fmt.Fprintf(out, "%d questions agree with the manual\n", len(questions))
	return nil
}

func selected(questions []Question, only string) ([]Question, error) {
	if only == "" {
		return questions, nil
	}
	var out []Question
	for id := range strings.SplitSeq(only, ",") {
		n := len(out)
		for _, q := range questions {
			if q.ID == strings.TrimSpace(id) {
				out = append(out, q)
			}
		}
		if len(out) == n {
			return nil, fmt.Errorf("--only: there is no question %q", id)
		}
	}
	return out, nil
}

// askAll asks every question and returns the verdicts in the questions' order. Progress goes to errOut.
func askAll(ctx context.Context, s settings, questions []Question, root string, errOut io.Writer) []Verdict {
	c := &client{http: &http.Client{Timeout: 30 * time.Second}, api: strings.TrimRight(s.api, "/"), poll: s.poll,
		budget: int(s.budget.Seconds())}
	verdicts := make([]Verdict, len(questions))
	done := make(chan string)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		n := 0
		for line := range done {
			n++
			fmt.Fprintf(errOut, "%d/%d %s\n", n, len(questions), line)
		}
	}()
	var group errgroup.Group
	group.SetLimit(s.parallel)
	for i, q := range questions {
		group.Go(func() error {
			verdicts[i] = askOne(ctx, c, s.timeout, root, q)
			done <- q.ID + ": found " + mark(verdicts[i].Found)
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	close(done)
	<-finished
	return verdicts
}

func askOne(ctx context.Context, c *client, timeout time.Duration, root string, q Question) Verdict {
	ctx, stop := context.WithTimeout(ctx, timeout)
	defer stop()
	start := time.Now()
	task, err := c.ask(ctx, q.Text, root+"/"+q.Seed, q.ID)
	v := judge(q, task, time.Since(start).Seconds())
	if err != nil {
		v.Found, v.RightPage, v.InAnswer = false, false, false
		v.Status, v.Error = cmp.Or(v.Status, "unreachable"), err.Error()
	}
	return v
}

func publish(e Evaluation, jsonFile string, out io.Writer) error {
	for _, r := range e.Corpora {
		if err := writeTable(out, r); err != nil {
			return err
		}
	}
	if err := writeSummary(out, e); err != nil {
		return err
	}
	if jsonFile == "" {
		return nil
	}
	f, err := os.Create(jsonFile)
	if err != nil {
		return err
	}
	return errors.Join(writeJSON(f, e), f.Close())
}
