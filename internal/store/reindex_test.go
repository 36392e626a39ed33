package store_test

import (
	"testing"

	"legwork/internal/research"
)

// TestReindex checks that passages with the words of an older version are found before and after they are split anew, that each
// snapshot is split once, and that a page that named no language gets the language of its text.
func TestReindex(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("q"))
	b.claim(task.ID, 1)
	v := visit("http://a.example/kessel", snapshot("Kessel", "", "Die Kessel kochen, und das Wasser ist heiß.", "Der Schalter heißt max_druck und ist nicht der von früher."))
	if _, _, err := b.record(task.ID, 1, 1, v); err != nil {
		t.Fatal(err)
	}
	if more, err := b.Reindex(b.ctx); err != nil || more {
		t.Fatalf("a new page is split anew: %v, %v", more, err)
	}
	// What an older version stored.
	if _, err := b.Pool().Exec(b.ctx, `UPDATE pages SET words_version = 0; UPDATE passages SET tsv = to_tsvector('english', CASE ord WHEN 0 THEN 'Die Kessel kochen, und das Wasser ist heiß.' ELSE 'Der Schalter heißt max_druck' END)`); err != nil {
		t.Fatal(err)
	}
	if hits, err := b.Rank(b.ctx, task.ID, "Kessel", 5); err != nil || len(hits) != 1 || hits[0].Ord != 0 {
		t.Errorf("by the old words: %+v, %v", hits, err)
	}
	for _, want := range []bool{true, false} {
		if more, err := b.Reindex(b.ctx); err != nil || more != want {
			t.Fatalf("split anew %v, %v", more, err)
		}
	}
	if hits, err := b.Rank(b.ctx, task.ID, "Was ist max_druck?", 5); err != nil || len(hits) != 1 || hits[0].Ord != 1 {
		t.Errorf("by a name: %+v, %v", hits, err)
	}
	var language string
	if err := b.Pool().QueryRow(b.ctx, "SELECT language FROM pages").Scan(&language); err != nil || language != "de" {
		t.Errorf("language %q, %v", language, err)
	}
}

// TestRankAcrossLanguages checks that words are compared by the stems of each page's language, and that passages in the
// question's language come first.
func TestRankAcrossLanguages(t *testing.T) {
	b := setup(t)
	task := b.task("default", question("q"))
	b.claim(task.ID, 1)
	for i, v := range []*research.Visit{
		visit("http://a.example/fr", snapshot("Serveur", "fr", "Le timeout du serveur est de 30 secondes.")),
		visit("http://a.example/en", snapshot("Server", "en", "The timeout of the server is 30 seconds here.")),
		visit("http://a.example/none", snapshot("Other", "en", "They serve tea.")),
	} {
		if _, _, err := b.record(task.ID, 1, i+1, v); err != nil {
			t.Fatal(err)
		}
	}
	for asked, first := range map[string]string{"What is the timeout?": "en", "Quel est le timeout ?": "fr"} {
		hits, err := b.Rank(b.ctx, task.ID, asked, 5)
		if err != nil || len(hits) != 2 || hits[0].URL != "http://a.example/"+first {
			t.Errorf("%s: %+v, %v", asked, hits, err)
		}
	}
	if hits, err := b.Rank(b.ctx, task.ID, "Which server?", 5); err != nil || len(hits) != 1 { // in French, the stem of server is that of the English serve
		t.Errorf("stems of another language: %+v, %v", hits, err)
	}
}
