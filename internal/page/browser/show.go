package browser

import (
	"context"

	"legwork/internal/page"
)

// Show gives the HTML that doc has become when its scripts have run, in a BrowserContext of its own that ends with the call.
// A document that a browser would not change comes back as it is. Where it cannot be shown there is an error, and doc is as
// good as before.
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
