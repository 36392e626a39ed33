package store_test

import (
	"reflect"
	"testing"

	"legwork/internal/research"
	"legwork/internal/store"
)

// TestBlocksOfSnapshots checks that a snapshot comes back with the blocks of its page. When the blocks are unknown, they
// come back as nil. When the page has no blocks, they come back as an empty list.
func TestBlocksOfSnapshots(t *testing.T) {
	b := setup(t)
	task := b.task(research.DefaultAccount, question("How many kettles?"))
	b.claim(task.ID, 1)
	for i, blocks := range [][]research.Block{
		{{Kind: research.HeadingBlock(2), Start: 0, End: 3}, {Kind: research.BlockCode, Start: 4, End: 9}},
		{},
		nil,
	} {
		v := visit("http://a.example/"+string(rune('a'+i)), snapshot("Kettles", "en", "Twelve kettles were boiling, all "+string(rune('a'+i))))
		v.Page.Blocks, v.Links = blocks, []research.Link{}
		if _, _, err := b.record(task.ID, 1, i+1, v); err != nil {
			t.Fatal(err)
		}
		a := b.For(research.DefaultAccount)
		shown, _, err := a.Snapshot(b.ctx, task.ID, v.Page.ID)
		if err != nil || !reflect.DeepEqual(shown.Page.Blocks, blocks) {
			t.Errorf("snapshot: %#v, %v; want %#v", shown.Page, err, blocks)
		}
		stored, err := a.StoredVisit(b.ctx, store.AnyAge, v.URL)
		if err != nil || !reflect.DeepEqual(stored.Page.Blocks, blocks) {
			t.Errorf("stored visit: %#v, %v; want %#v", stored.Page, err, blocks)
		}
	}
}
