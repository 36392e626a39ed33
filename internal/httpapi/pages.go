package httpapi

import (
	"cmp"
	"context"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"legwork/api"
	"legwork/internal/exhibit"
	"legwork/internal/research"
	"legwork/internal/wire"
)

// ListPages implements api.StrictServerInterface.
func (s *server) ListPages(ctx context.Context, req api.ListPagesRequestObject) (api.ListPagesResponseObject, error) {
	id, err := wire.ParseID(req.ID)
	if err != nil {
		return nil, err
	}
	readings, err := s.data(ctx).PageVisits(ctx, id)
	if err != nil {
		return nil, err
	}
	return api.ListPages200JSONResponse{Pages: wire.PageVisits(readings)}, nil
}

// GetPage implements api.StrictServerInterface. It answers with JSON, or with an HTML page if the client prefers
// one.
func (s *server) GetPage(ctx context.Context, req api.GetPageRequestObject) (api.GetPageResponseObject, error) {
	asHTML := prefersHTML(requestOf(ctx))
	if f := req.Params.Format; f != nil {
		if !f.Valid() {
			var bad research.ValidationError
			bad.Add("format", "must be json or html")
			return nil, bad.Err()
		}
		asHTML = *f == api.GetPageParamsFormatHTML
	}
	id, err := wire.ParseID(req.ID)
	if err != nil {
		return nil, err
	}
	page, err := wire.ParsePageID(req.PageID)
	if err != nil {
		return nil, err
	}
	visit, citations, err := s.data(ctx).Snapshot(ctx, id, page)
	if err != nil {
		return nil, err
	}
	if !asHTML {
		return snapshotJSON(wire.PageSnapshot(visit, citations)), nil
	}
	snapshot := wire.PageSnapshot(visit, citations)
	out := exhibit.Page{Title: snapshot.Title, URL: visit.FinalURL, Language: visit.Page.Language, ReadAt: visit.FetchedAt,
		Text: visit.Page.Text, Blocks: visit.Page.Blocks}
	for _, c := range citations {
		out.Quotes = append(out.Quotes, exhibit.Quote{N: c.Marker, Start: c.Start, End: c.End, Text: c.Excerpt, ScreenshotURL: c.ScreenshotURL})
	}
	body, err := exhibit.HTML(out)
	return snapshotHTML(body), err
}

// prefersHTML reports whether the Accept header ranks text/html above JSON, as browsers do.
func prefersHTML(r *http.Request) bool {
	html, asJSON := 0.0, 0.0
	for _, header := range r.Header.Values("Accept") {
		for _, part := range strings.Split(header, ",") {
			media, params, err := mime.ParseMediaType(part)
			if err != nil {
				continue
			}
			q, err := strconv.ParseFloat(cmp.Or(params["q"], "1"), 64)
			if err != nil {
				q = 1
			}
			switch media {
			case "text/html", "application/xhtml+xml":
				html = max(html, q)
			case "application/json":
				asJSON = max(asJSON, q)
			}
		}
	}
	return html > asJSON
}

// snapshotJSON is the JSON answer with a snapshot.
type snapshotJSON api.PageSnapshot

// VisitGetPageResponse implements api.GetPageResponseObject.
func (p snapshotJSON) VisitGetPageResponse(w http.ResponseWriter) error {
	w.Header().Add("Vary", "Accept")
	return api.GetPage200JSONResponse(p).VisitGetPageResponse(w)
}

// snapshotHTML is the answer with a snapshot as an HTML page.
type snapshotHTML []byte

// VisitGetPageResponse implements api.GetPageResponseObject.
func (p snapshotHTML) VisitGetPageResponse(w http.ResponseWriter) error {
	h := w.Header()
	h.Add("Vary", "Accept")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", exhibit.Policy())
	documentHeaders(h)
	h.Set("Content-Length", strconv.Itoa(len(p)))
	if _, err := w.Write(p); err != nil {
		return fmt.Errorf("send snapshot: %w", err)
	}
	return nil
}
