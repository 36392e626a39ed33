package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"legwork/internal/dbtest"
	"legwork/internal/research"
)

func TestRankAndLibrary(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("How many kettles boil?"))
	b.claim(task.ID, 1)
	english := visit("http://a.example/kettles", snapshot("Kettles", "en", "Boiling takes a while.", "Twelve kettles are boiling at once.", "Unrelated."))
	german := visit("http://a.example/de", snapshot("Kessel", "de", "Die Kessel kochen.", "Zwölf Wasserkessel."))
	for i, v := range []*research.Visit{english, german, visit("http://a.example/gone", nil)} {
		if _, _, err := b.record(task.ID, 1, i+1, v); err != nil {
			t.Fatal(err)
		}
	}
	hits, err := b.Rank(b.ctx, task.ID, "Are twelve kettles boiling?", 10)
	if err != nil || len(hits) == 0 {
		t.Fatalf("hits = %v, %v", hits, err)
	}
	best := hits[0]
	if best.Text != "Twelve kettles are boiling at once." || best.URL != english.URL || best.VisitID != english.ID {
		t.Errorf("best = %+v", best)
	}
	if hits, err = b.Rank(b.ctx, task.ID, "kochen Wasserkessel", 10); err != nil || len(hits) != 2 || hits[0].PageID != german.Page.ID {
		t.Errorf("German words on the German page: %v, %v", hits, err)
	}
	if hits, err = b.Rank(b.ctx, task.ID, "the of and", 10); err != nil || len(hits) != 0 {
		t.Errorf("stop words only: %v, %v", hits, err)
	}
	if hits, err = b.For("default").SearchLibrary(b.ctx, "boiling kettles", 5); err != nil || len(hits) != 1 || hits[0].URL != english.URL {
		t.Errorf("library: %v, %v", hits, err)
	}
	visits, err := b.For("default").Visits(b.ctx, task.ID)
	if err != nil || len(visits) != 3 || visits[2].Outcome != research.OutcomeNotFound || visits[2].Page != nil {
		t.Errorf("visits = %+v, %v", visits, err)
	}
}

// TestLibraryOrder checks that several different words of the question rank above one word that is repeated, and that the
// query for large libraries returns the same as the one for small ones.
func TestLibraryOrder(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("q"))
	b.claim(task.ID, 1)
	for i, v := range []*research.Visit{
		visit("http://a.example/often", snapshot("T", "en", "Unrelated words.", "Kettle, kettle and kettle, kettle here and there.")),
		visit("http://a.example/all", snapshot("T", "en", "Nothing.", "When does a kettle boil its water here and there?", "A kettle.")),
		visit("http://a.example/de", snapshot("T", "de", "Ein kettle mit water.")),
		visit("http://a.example/other", snapshot("T", "en", "Unrelated.")),
	} {
		if _, _, err := b.record(task.ID, 1, i+1, v); err != nil {
			t.Fatal(err)
		}
	}
	const asked = "boiling water kettles"
	hits, err := b.For("default").SearchLibrary(b.ctx, asked, 10)
	if err != nil || len(hits) != 3 || hits[0].URL != "http://a.example/all" || hits[0].Text != "When does a kettle boil its water here and there?" {
		t.Fatalf("%+v, %v", hits, err)
	}
	large, err := b.For("default").SearchLargeLibrary(b.ctx, asked, 10)
	if err != nil || len(large) != len(hits) {
		t.Fatalf("large: %+v, %v", large, err)
	}
	for i, l := range large {
		if h := hits[i]; l.PageID != h.PageID || l.URL != h.URL || l.Text != h.Text {
			t.Errorf("%d: large %+v, small %+v", i, l, h)
		}
	}
	if hits, err = b.For("default").SearchLibrary(b.ctx, "the of and", 10); err != nil || len(hits) != 0 {
		t.Errorf("stop words only: %v, %v", hits, err)
	}
}

// TestRankWithoutSpaces checks that words of scripts without spaces are found in texts, headings and titles.
func TestRankWithoutSpaces(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("大人の入浴料はいくらですか"))
	b.claim(task.ID, 1)
	bath := visit("http://a.example/ja", snapshot("湯の里", "ja", "露天風呂は朝六時から開いています。", "大人の入浴料は六百五十円です。", "駐車場は無料です。"))
	scaffold := visit("http://a.example/zh", snapshot("竹棚架", "zh", "搭棚的竹子有两种。", "立柱用毛竹。"))
	for i, v := range []*research.Visit{bath, scaffold} {
		if _, _, err := b.record(task.ID, 1, i+1, v); err != nil {
			t.Fatal(err)
		}
	}
	hits, err := b.Rank(b.ctx, task.ID, "入浴料はいくらですか", 10)
	if err != nil || len(hits) == 0 || hits[0].Text != "大人の入浴料は六百五十円です。" {
		t.Errorf("Japanese: %+v, %v", hits, err)
	}
	if hits, err = b.Rank(b.ctx, task.ID, "毛竹", 10); err != nil || len(hits) != 1 || hits[0].Text != "立柱用毛竹。" {
		t.Errorf("Chinese: %+v, %v", hits, err)
	}
	if hits, err = b.For("default").SearchLibrary(b.ctx, "竹棚架怎么搭", 5); err != nil || len(hits) != 1 || hits[0].URL != scaffold.URL {
		t.Errorf("library, by the title: %+v, %v", hits, err)
	}
}

func TestSnapshotsAreSharedAndCollected(t *testing.T) {
	b := setup(t)
	shared := snapshot("Shared", "en", "one text, two tasks")
	own := snapshot("Own", "en", "one text, one task")
	var tasks []research.Task
	for i := range 2 {
		task := b.task("default", question("q"))
		b.claim(task.ID, 1)
		v := visit("http://a.example/shared", shared)
		if _, _, err := b.record(task.ID, 1, 1, v, research.Evidence{Number: 1, PageID: shared.ID, VisitID: v.ID, URL: v.URL, Title: "S", Start: 0, End: 8}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if _, _, err := b.record(task.ID, 1, 2, visit("http://a.example/own", own)); err != nil {
				t.Fatal(err)
			}
		}
		b.finish(task.ID, 1, 1)
		tasks = append(tasks, task)
	}
	pages := func() (n int) {
		if err := b.Pool().QueryRow(b.ctx, "SELECT count(*) FROM pages").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := pages(); n != 2 {
		t.Fatalf("%d snapshots, want 2", n)
	}
	remove := func(id uuid.UUID) error {
		return b.InTx(b.ctx, func(ctx context.Context, tx pgx.Tx) error {
			if _, err := b.LockHead(ctx, tx, id); err != nil {
				return err
			}
			return b.For("default").DeleteTask(ctx, tx, id)
		})
	}
	if err := remove(tasks[0].ID); err != nil {
		t.Fatal(err)
	}
	if n := pages(); n != 1 {
		t.Errorf("%d snapshots after the first delete, want the shared one", n)
	}
	if err := remove(tasks[1].ID); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"tasks", "task_heads", "task_events", "runs", "steps", "visits", "evidence", "artifacts", "pages", "passages"} {
		var n int
		if err := b.Pool().QueryRow(b.ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d rows left in %s (%v)", n, table, err)
		}
	}
	if err := remove(tasks[1].ID); !errors.Is(err, research.ErrNotFound) {
		t.Errorf("second delete: %v, want ErrNotFound", err)
	}
	open := b.task("default", question("q"))
	if err := remove(open.ID); !errors.Is(err, research.ErrConflict) {
		t.Errorf("delete of an open task: %v, want ErrConflict", err)
	}
}

// TestCollectorAndReaderRace creates and deletes tasks that read the same text, in parallel. The snapshot must exist as long as
// a task refers to it.
func TestCollectorAndReaderRace(t *testing.T) {
	b := setup(t)
	page := snapshot("T", "en", "contended text")
	done := make(chan error)
	for range 4 {
		go func() {
			for range 12 {
				task := b.task("default", question("q"))
				b.claim(task.ID, 1)
				if _, _, err := b.record(task.ID, 1, 1, visit("http://a.example/", page)); err != nil {
					done <- err
					return
				}
				b.finish(task.ID, 1)
				if err := b.InTx(b.ctx, func(ctx context.Context, tx pgx.Tx) error {
					if _, err := b.LockHead(ctx, tx, task.ID); err != nil {
						return err
					}
					return b.For("default").DeleteTask(ctx, tx, task.ID)
				}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestEvidenceCannotBeForged(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("q"))
	b.claim(task.ID, 1)
	page := snapshot("T", "en", strings.Repeat("word ", 80), strings.Repeat("more ", 80), strings.Repeat("text ", 39))
	v := visit("http://a.example/", page)
	if _, _, err := b.record(task.ID, 1, 1, v); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]research.Evidence{
		"longer than 400": {Start: 0, End: 401},
		"empty":           {Start: 5, End: 5},
		"backwards":       {Start: 9, End: 5},
		"beyond the end":  {Start: 990, End: 1100},
		"no such page":    {Start: 0, End: 4, PageID: strings.Repeat("0", 64)},
	} {
		c.Number, c.VisitID, c.URL, c.Title = 1, v.ID, v.URL, "T"
		if c.PageID == "" {
			c.PageID = page.ID
		}
		if _, _, err := b.record(task.ID, 1, 2, nil, c); err == nil {
			t.Errorf("%s was stored", name)
		}
	}
	// An end that cites missing evidence is rolled back as a whole.
	err := b.InTx(b.ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := dbtest.EndTask(ctx, b.Store, tx, task.ID, 1, research.Result{Answer: "a", Cited: []int{7}}, nil)
		return err
	})
	if err == nil {
		t.Error("an answer with missing evidence was stored")
	}
}

func TestArtifactRows(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("q"))
	a := research.Artifact{Name: "shot-1.png", Kind: "screenshot", ContentType: "image/png", Bytes: 7}
	if kept, err := b.AddArtifacts(b.ctx, task.ID, a); err != nil || !kept {
		t.Fatalf("add: %v, %v", kept, err)
	}
	a.Bytes = 9
	if kept, err := b.AddArtifacts(b.ctx, task.ID, a); err != nil || !kept {
		t.Fatalf("replace: %v, %v", kept, err)
	}
	if kept, err := b.AddArtifacts(b.ctx, uuid.New(), a); err != nil || kept {
		t.Errorf("a file of a task that does not exist: %v, %v", kept, err)
	}
	if _, err := b.AddArtifacts(b.ctx, task.ID, research.Artifact{Name: "../x", Kind: "logs"}); err == nil {
		t.Error("a name that leaves the folder was stored")
	}
	got, err := b.For("default").Artifacts(b.ctx, task.ID)
	if err != nil || len(got) != 1 || got[0].Bytes != 9 {
		t.Errorf("artifacts = %v, %v", got, err)
	}
	all, err := b.AllArtifacts(b.ctx)
	if err != nil || len(all) != 1 {
		t.Errorf("all = %v, %v", all, err)
	}
	full, err := b.For("default").Task(b.ctx, task.ID)
	if err != nil || len(full.Screenshots) != 1 || full.Screenshots[0] != "/api/tasks/"+task.ID.String()+"/screenshots/shot-1.png" {
		t.Errorf("screenshots = %v, %v", full.Screenshots, err)
	}
	for id, want := range map[uuid.UUID]bool{task.ID: true, uuid.New(): false} {
		if got, err := b.Exists(b.ctx, id); err != nil || got != want {
			t.Errorf("exists %s = %v, %v", id, got, err)
		}
	}
}
