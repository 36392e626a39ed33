//go:build failpoints

package jobs

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"legwork/internal/agent"
	"legwork/internal/artifact"
	"legwork/internal/dbtest"
	"legwork/internal/page"
	"legwork/internal/research"
	"legwork/internal/testsite"
)

// camera is a page source whose sessions take screenshots of a given width.
type camera struct {
	width int
	err   error // returned for every screenshot, when not nil
	taken atomic.Int64
}

func (c *camera) Open(page.Scope) page.Session { return c }
func (c *camera) Close()                       {}

func (c *camera) Load(context.Context, page.Address) (research.Visit, error) {
	return research.Visit{}, errors.New("this test loads no page")
}

func (c *camera) Shoot(_ context.Context, r page.ShotRequest) (page.Shot, error) {
	c.taken.Add(1)
	if c.err != nil {
		return page.Shot{}, c.err
	}
	var b bytes.Buffer
	err := png.Encode(&b, image.NewGray(image.Rect(0, 0, c.width, 10)))
	return page.Shot{PNG: b.Bytes(), Width: c.width, Height: 10, URL: r.URL, Title: "A page", Shown: slices.Repeat([]bool{true}, len(r.Quotes))}, err
}

// shooting is an agent that takes one screenshot and records it.
func shooting(ctx context.Context, env agent.Env) (research.Result, error) {
	done := research.Result{Answer: "done", Confidence: 0.5, Metadata: map[string]any{}}
	if env.Shoot == nil {
		done.Answer = "no browser"
		return done, nil
	}
	for _, s := range env.Journal {
		if s.Tool == agent.ToolScreenshot {
			return done, nil
		}
	}
	if err := env.Emit(ctx); err != nil {
		return research.Result{}, err
	}
	p, err := env.Shoot(ctx, "shot-001-1", page.ShotRequest{URL: "https://example.org/"})
	var problem *page.ShotError
	if errors.As(err, &problem) {
		done.Answer = problem.Message
		return done, nil
	}
	if err != nil {
		return research.Result{}, err
	}
	image := research.ScreenshotURL(env.Task.ID, p.File.Name)
	_, err = env.Record(ctx, research.Step{Turn: 1, CallNo: 1, Kind: research.ToolStep, Tool: agent.ToolScreenshot, Result: []byte(`{}`), Success: true,
		Artifact: &p.File, Events: []research.Event{research.Screenshot(image, p.URL, false)}})
	return done, err
}

func with(pages page.Source) func(*RunnerConfig) {
	return func(c *RunnerConfig) { c.Pages = pages }
}

// onBucket returns a process that keeps its files in a bucket.
func onBucket(t *testing.T) (*process, *testsite.Bucket) {
	t.Helper()
	b := testsite.NewBucket(t)
	p := start(t, dbtest.URL(t), t.TempDir())
	files, err := artifact.Open(b.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = files.Close() })
	p.Artifacts = files
	return p, b
}

// TestPictureFromShotToDelete checks that a screenshot has a file, a row, an event and an entry in the task, in a folder and in
// a bucket, and that a delete of the task removes them.
func TestPictureFromShotToDelete(t *testing.T) {
	folder := setup(t)
	bucket, keys := onBucket(t)
	for name, p := range map[string]*process{"folder": folder, "bucket": bucket} {
		c := &camera{width: 20}
		p.work(shooting, with(c))
		task := p.await(p.submit(name).ID)
		want := "/api/tasks/" + task.ID.String() + "/screenshots/shot-001-1-1.png"
		if task.Status != research.Completed || len(task.Screenshots) != 1 || task.Screenshots[0] != want {
			t.Fatalf("%s: %s %v", name, task.Status, task.Screenshots)
		}
		if frames := strings.Join(p.frames(task.ID), "\n"); !strings.Contains(frames, `"type":"agent:screenshot"`) || !strings.Contains(frames, `"imageUrl":"`+want+`"`) {
			t.Errorf("%s: %s", name, frames)
		}
		f, err := p.Artifacts.Read(t.Context(), task.ID, "shot-001-1-1.png")
		if err != nil {
			t.Fatal(err)
		}
		if cfg, err := png.DecodeConfig(f); err != nil || cfg.Width != 20 {
			t.Errorf("%s: %+v %v", name, cfg, err)
		}
		_ = f.Close()
		p.eventually("its other files are there", func() bool { return p.count("SELECT count(*) FROM artifacts WHERE task_id = $1", task.ID) == 4 })
		if missing, _, err := p.MissingFiles(t.Context()); err != nil || len(missing) != 0 {
			t.Errorf("%s: missing %v, %v", name, missing, err)
		}
		if err := p.Delete(t.Context(), research.DefaultAccount, task.ID, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Artifacts.Read(t.Context(), task.ID, "shot-001-1-1.png"); !errors.Is(err, research.ErrNotFound) {
			t.Errorf("%s: after the delete: %v", name, err)
		}
		if n := p.count("SELECT count(*) FROM artifacts"); n != 0 {
			t.Errorf("%s: %d rows are left", name, n)
		}
	}
	if left := keys.Keys(t); len(left) != 0 {
		t.Errorf("the bucket still holds %q", left)
	}
	noFiles(t, folder.dir)
}

// TestNoBrowser checks that the agent cannot take screenshots when pages are read over HTTP alone.
func TestNoBrowser(t *testing.T) {
	p := setup(t)
	p.work(shooting, with(page.NewFetcher(page.Config{}, nil)))
	if task := p.await(p.submit("q").ID); *task.Answer != "no browser" {
		t.Errorf("%s", *task.Answer)
	}
}

// TestPicturesThatFail checks that a task completes when its screenshot cannot be taken or stored.
func TestPicturesThatFail(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		c    *camera
		want string
	}{
		"browser gone": {&camera{err: page.ErrNoBrowser}, "No browser is available"},
		"page gone":    {&camera{err: &page.ShotError{Outcome: research.OutcomeNotFound, Message: "The page is gone."}}, "The page is gone."},
		"defect":       {&camera{err: errors.New("secret: a defect")}, "the server's log says why"},
		"bucket down":  {&camera{width: 1}, "could not be stored"},
		"disk full":    {&camera{width: 1}, "could not be stored"},
	} {
		p, server := onBucket(t)
		if name != "bucket down" {
			p = start(t, dbtest.URL(t), t.TempDir())
		}
		task := p.submit(name)
		switch name {
		case "bucket down":
			server.Answer(http.StatusForbidden) // the bucket refuses the request, and its client does not try again
		case "disk full": // a file with the path of the task's folder makes the write fail as a full disk would
			if err := os.WriteFile(filepath.Join(p.dir, task.ID.String()), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p.work(shooting, with(tt.c))
		got := p.await(task.ID)
		if got.Status != research.Completed || !strings.Contains(*got.Answer, tt.want) || strings.Contains(*got.Answer, "secret") || len(got.Screenshots) != 0 {
			t.Errorf("%s: %s %v %v", name, got.Status, *got.Answer, got.Screenshots)
		}
		if n := p.count("SELECT count(*) FROM artifacts WHERE kind = 'screenshot'"); n != 0 {
			t.Errorf("%s: %d rows without a file", name, n)
		}
	}
}

// TestPictureOfAStaleRun gives a task to another worker while a screenshot is taken. The stale run must write no file, and the
// file name of the next run must differ.
func TestPictureOfAStaleRun(t *testing.T) {
	p := setup(t)
	task := p.submit("q")
	arrived, release := make(chan struct{}), make(chan struct{})
	var once atomic.Bool
	p.fp.Func("before_picture", func(context.Context) {
		if once.CompareAndSwap(false, true) {
			close(arrived)
			<-release
		}
	})
	p.work(shooting, with(&camera{width: 30}))
	wait(t, "the picture is taken", arrived)
	q := p.other()
	q.handToNextRun(task.ID, 1)
	q.work(shooting, with(&camera{width: 40}))
	got := q.await(task.ID)
	close(release)
	p.eventually("the stale run is over", func() bool { return len(p.local.IDs()) == 0 })
	if len(got.Screenshots) != 1 || !strings.HasSuffix(got.Screenshots[0], "/shot-001-1-2.png") {
		t.Fatalf("screenshots %v", got.Screenshots)
	}
	if _, ok, err := p.Artifacts.Exists(t.Context(), task.ID, "shot-001-1-1.png"); ok || err != nil {
		t.Errorf("the stale run wrote its picture: %v", err)
	}
	if missing, _, err := p.MissingFiles(t.Context()); err != nil || len(missing) != 0 {
		t.Errorf("missing %v, %v", missing, err)
	}
}

// TestPictureBehindTheFence checks that a run with an old epoch writes no file, although its context has not ended.
func TestPictureBehindTheFence(t *testing.T) {
	p := setup(t)
	r := p.work((&script{}).run)
	task := p.await(p.submit("q").ID) // the task's end raised the epoch
	file := &research.Artifact{Name: "shot-001-1-1.png", ContentType: "image/png"}
	stale := &run{runner: r, task: task, epoch: 1}
	if err := stale.keepPicture(t.Context(), file, []byte("x")); !errors.Is(err, research.ErrFenced) {
		t.Errorf("the stale run: %v", err)
	}
	if _, ok, err := p.Artifacts.Exists(t.Context(), task.ID, file.Name); ok || err != nil {
		t.Errorf("its picture is there: %v", err)
	}
}

// TestPictureOfADeadRun stops a run after it wrote a screenshot's file and before it recorded the row. The next run must take
// the screenshot again, and the delete of the task must remove both files.
func TestPictureOfADeadRun(t *testing.T) {
	p := setup(t)
	task := p.submit("q")
	died := errors.New("the worker was killed")
	var once atomic.Bool
	c := &camera{width: 30}
	p.work(func(ctx context.Context, env agent.Env) (research.Result, error) {
		record := env.Record
		env.Record = func(ctx context.Context, s research.Step) ([]research.Evidence, error) {
			if once.CompareAndSwap(false, true) {
				return nil, died
			}
			return record(ctx, s)
		}
		return shooting(ctx, env)
	}, with(c))
	got := p.await(task.ID)
	if got.Status != research.Completed || len(got.Screenshots) != 1 || c.taken.Load() != 2 {
		t.Fatalf("%s %v after %d pictures", got.Status, got.Screenshots, c.taken.Load())
	}
	p.eventually("its other files are there", func() bool { return p.count("SELECT count(*) FROM artifacts WHERE task_id = $1", task.ID) == 4 })
	if err := p.Delete(t.Context(), research.DefaultAccount, task.ID, ""); err != nil {
		t.Fatal(err)
	}
	noFiles(t, p.dir)
}

// noFiles checks that a folder of artifacts holds no task's file, only the id of the store.
func noFiles(t *testing.T, dir string) {
	t.Helper()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 || left[0].Name() != ".legwork-store" {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}

// TestPicturesAreCleanedUp checks that the clean-up removes the screenshots of an old task.
func TestPicturesAreCleanedUp(t *testing.T) {
	p := setup(t)
	p.work(shooting, with(&camera{width: 20}))
	task := p.await(p.submit("q").ID)
	p.eventually("its other files are there", func() bool { return p.count("SELECT count(*) FROM artifacts WHERE task_id = $1", task.ID) == 4 })
	p.age(task.ID, 31)
	if got, err := p.Cleanup(t.Context(), month); err != nil || got.Tasks != 1 {
		t.Fatalf("%+v %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(p.dir, task.ID.String())); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("files are left: %v", err)
	}
	if _, err := p.store.For(research.DefaultAccount).Task(t.Context(), task.ID); !errors.Is(err, research.ErrNotFound) {
		t.Error(err)
	}
}
