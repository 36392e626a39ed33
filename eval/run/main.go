// Command run asks a legwork server the questions in a file about a manual. It serves the manual itself on a loopback
// port, and reports how many answers cite the expected page with the expected text.
//
// It uses only the public HTTP API, so it measures what a user gets. The verdict about a question (judge.go) depends
// only on the question, the finished task and the manual. If a task ends with an error, or not in time, its question is
// not found.
//
//	go run ./eval/run --questions eval/postgresql.jsonl --docs /usr/share/doc/postgresql-doc-15 --min 0.8
//
// The server must be allowed to open the loopback network (FETCH_ALLOW_NETS=127.0.0.0/8). Exit status: 0 passed; 1
// fewer questions found or rightly declined than demanded, or --check found a defect; 2 the run failed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type settings struct {
	api, docs, listen, questions, json, only, kinds, compare string
	judge                                                    judgeModel
	parallel                                                 int
	timeout, budget, poll                                    time.Duration
	least                                                    string
	leastDeclined, leastPlaced                               float64
	corpora                                                  []corpus
	check                                                    bool
}

// corpus is a set of questions about one manual.
type corpus struct {
	questions, docs string
	least           float64
}

// errShort means that the evaluation ran to its end, but did not reach what the flags demand.
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
	f.StringVar(&s.kinds, "kinds", "", "ask only questions of these `kinds`, parted by commas")
	f.IntVar(&s.parallel, "parallel", 2, "questions asked at the same time")
	f.DurationVar(&s.timeout, "timeout", 120*time.Second, "longest wait for one question")
	f.DurationVar(&s.budget, "time-budget", 60*time.Second, "research time given to each task")
	f.DurationVar(&s.poll, "poll", 200*time.Millisecond, "time between two looks at a task")
	f.StringVar(&s.least, "min", "0", "least `share` of answerable questions that must be found, 0..1; one, or one per question file")
	f.Float64Var(&s.leastDeclined, "min-declined", 0, "least `share` of unanswerable questions that must be declined, 0..1, over all question files")
	f.Float64Var(&s.leastPlaced, "min-placed", 0, "least `share` of the citations of repeated words that must cite the right place, 0..1, over all question files")
	f.BoolVar(&s.check, "check", false, "only check the questions against the manual, without a server")
	f.StringVar(&s.judge.url, "judge-url", os.Getenv("JUDGE_BASE_URL"), "base `URL` of an OpenAI-compatible server whose model judges each citation; or JUDGE_BASE_URL")
	f.StringVar(&s.judge.model, "judge-model", os.Getenv("JUDGE_MODEL"), "`name` of the judging model; or JUDGE_MODEL. Its key is in JUDGE_API_KEY")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	s.judge.key = os.Getenv("JUDGE_API_KEY")
	share := func(v float64) bool { return v >= 0 && v <= 1 }
	switch {
	case f.NArg() > 0:
		return s, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case s.docs == "":
		return s, errors.New("--docs is missing: name the folder of the manual, e.g. /usr/share/doc/postgresql-doc-15")
	case s.parallel < 1:
		return s, fmt.Errorf("--parallel %d: at least 1 is needed", s.parallel)
	case s.poll <= 0 || s.timeout <= 0 || s.budget < time.Second:
		return s, errors.New("--poll and --timeout must be positive, --time-budget at least 1s")
	case !share(s.leastDeclined) || !share(s.leastPlaced):
		return s, errors.New("--min-declined and --min-placed are shares from 0 to 1")
	case (s.judge.url == "") != (s.judge.model == ""):
		return s, errors.New("--judge-url and --judge-model belong together")
	}
	return s, s.pair()
}

// pair combines the lists of --questions and --docs: each question file and the manual at the same position form one
// corpus. --min has the least share of questions that must be found, either one for each corpus or one for all of
// them.
func (s *settings) pair() error {
	files, docs, least := strings.Split(s.questions, ","), strings.Split(s.docs, ","), strings.Split(s.least, ",")
	if len(docs) != len(files) || len(least) != len(files) && len(least) != 1 {
		return errors.New("--questions, --docs and --min must name as many")
	}
	for i, q := range files {
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
	return s.passed(e)
}

// passed compares an evaluation with what the flags demand.
func (s *settings) passed(e Evaluation) error {
	for _, r := range e.Corpora {
		if r.Summary.Found < r.Least {
			return fmt.Errorf("%w: %s: %.1f %% found, %.1f %% wanted", errShort, r.Questions, 100*r.Summary.Found, 100*r.Least)
		}
	}
	if t := e.Total; t.Unanswerable > 0 && t.Declined < s.leastDeclined {
		return fmt.Errorf("%w: %.1f %% of the unanswerable questions declined, %.1f %% wanted", errShort, 100*t.Declined, 100*s.leastDeclined)
	}
	if t := e.Total; t.Places > 0 && t.RightPlace < s.leastPlaced {
		return fmt.Errorf("%w: %.1f %% of repeated words cited at the right place, %.1f %% wanted", errShort, 100*t.RightPlace, 100*s.leastPlaced)
	}
	return nil
}

func publish(e Evaluation, jsonFile string, out io.Writer) error {
	for _, r := range e.Corpora {
		if err := writeTable(out, r); err != nil {
			return err
		}
	}
	if err := errors.Join(writeSummary(out, e), writeKinds(out, e)); err != nil {
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
