package browser

import (
	"context"

	"legwork/internal/page"
)

// Show runs the scripts of doc in a browser and returns the resulting HTML. It uses a BrowserContext of its own, which is removed
// afterwards. If a browser would not change doc, Show returns its bytes unchanged. Show never changes doc.
func (b *Browser) Show(ctx context.Context, doc *page.Document) ([]byte, error) {
	if !doc.Dynamic() {
		return doc.Body, nil
	}
	s := b.newSession(page.Scope{})
	defer s.Close()
	var got reading
	err := s.show(ctx, doc, "", false, func(ctx context.Context, t *tab) error {
		var err error
		got, err = t.read(ctx, b.cfg.MaxHTML)
		return err
	})
	return []byte(got.HTML), err
}
