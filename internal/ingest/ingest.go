// Package ingest reads folders, sites and site maps, and stores their pages in the library of an account.
//
// Invariants:
//
//   - Pages are stored one by one. An ingest that is interrupted leaves complete pages, and can be started again.
//   - A page whose text is already in the library is not written again.
//   - Web pages are read under the same rules as those of tasks: robots.txt, spacing, refused networks. Links to other sites are not
//     followed.
//   - A page that cannot be read, or cannot be stored in time, is counted with its reason, and the ingest continues.
package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"legwork/internal/page"
	"legwork/internal/research"
)

// Web loads pages under the rules for tasks. *page.Fetcher implements it.
type Web interface {
	Load(ctx context.Context, rawURL string, p page.Policy) (research.Visit, error)
	Fetch(ctx context.Context, rawURL string, p page.Policy) (research.Visit, []byte, error)
}

// Store stores a page. It returns false if the library already has the page's text, and research.ErrTooSlow if the page
// could not be stored in time. Another error ends the ingest.
type Store func(ctx context.Context, v research.Visit) (bool, error)

// Options say what to read.
type Options struct {
	Target   string      // URL of a page or of a site map (….xml, ….xml.gz), or path of a folder, a file or a site map
	BaseURL  string      // base address of the files of a folder; empty means https://FOLDER.invalid/
	MaxPages int         // greatest number of pages to read
	Depth    int         // greatest number of links followed in a row from the page at Target; 0 means that only this page is read
	MaxBytes int64       // greatest size of a file, in bytes
	Policy   page.Policy // addresses that may be requested; pages of other sites are never read, even if Policy allows them
	Report   func(Item)
	Reader   page.Reader // reads the files of a folder; nil means page.InProcess
}

// State is the result for one page.
type State string

// The states.
const (
	Added     State = "new"       // the library did not have the page, or had another text of it
	Unchanged State = "unchanged" // the library already has the page's text
	Failed    State = "failed"
)

// Item is a page that was read or could not be read.
type Item struct {
	URL    string
	State  State
	Reason string // why the page could not be read, as a sentence
	Done   int    // pages finished so far, this one included
	Known  int    // pages known so far: finished and still to be read
}

// Summary counts the results of an ingest.
type Summary struct {
	New, Unchanged, Failed int
	Reasons                map[string]int // number of failures by outcome
	Left                   int            // known pages that were not read because of MaxPages or because of an error
	Unstored               int            // pages that were read and could not be stored in time; they are part of Failed
}

// Read returns the number of pages that were read.
func (s Summary) Read() int { return s.New + s.Unchanged }

// Run reads the pages of o.Target. The error says what is wrong with o.Target, or is the error of ctx or of the
// database. Pages that were read before an error are stored and counted.
func Run(ctx context.Context, web Web, store Store, o Options) (Summary, error) {
	if o.Reader == nil {
		o.Reader = page.NewInProcess("")
	}
	r := &run{Options: o, web: web, store: store, seen: map[string]bool{}, sum: Summary{Reasons: map[string]int{}}}
	err := r.start(ctx)
	return r.sum, err
}

type run struct {
	Options
	web   Web
	store Store
	seen  map[string]bool // addresses that were ever in the queue
	queue []address
	maps  int // number of site maps read
	sum   Summary
	done  int
}

type address struct {
	url   string
	depth int
}

func (r *run) start(ctx context.Context) error {
	if strings.HasPrefix(r.Target, "http://") || strings.HasPrefix(r.Target, "https://") {
		u, err := page.ParseURL(r.Target)
		if err != nil {
			return fmt.Errorf("%s cannot be read: %w", r.Target, err)
		}
		policy := r.Policy
		policy.StayOn = page.Domain(u.Host)
		if isSiteMap(u.Path) || mayBeSiteMap(u.Path) {
			err := r.siteMap(ctx, u, policy, maxNested)
			if err == nil {
				return r.pages(ctx, policy, 0)
			}
			if isSiteMap(u.Path) || !errors.Is(err, errNoSiteMap) {
				return err
			}
		}
		r.add(u.String(), 0)
		return r.pages(ctx, policy, r.Depth)
	}
	info, err := os.Stat(r.Target)
	switch {
	case err != nil:
		return fmt.Errorf("%q is neither a URL that begins with http:// or https:// nor a folder or file: %w", r.Target, err)
	case info.IsDir():
		return r.folder(ctx)
	case isSiteMap(r.Target):
		return r.localSiteMap(ctx)
	}
	return r.file(ctx)
}

// add appends an address to the queue, unless it was in the queue before.
func (r *run) add(raw string, depth int) {
	if !r.seen[raw] {
		r.seen[raw] = true
		r.queue = append(r.queue, address{raw, depth})
	}
}

// pages reads the queued pages in order, and queues the links on pages whose depth is less than depth.
func (r *run) pages(ctx context.Context, policy page.Policy, depth int) error {
	for len(r.queue) > 0 {
		if r.done >= r.MaxPages {
			r.sum.Left = len(r.queue)
			return nil
		}
		at := r.queue[0]
		r.queue = r.queue[1:]
		v, err := r.web.Load(ctx, at.url, policy)
		if err != nil {
			r.sum.Left = len(r.queue) + 1
			return err
		}
		v.Depth = at.depth
		if v.Outcome == research.OutcomeOK && at.depth < depth {
			for _, l := range v.Links {
				if u, err := page.ParseURL(l.URL); err == nil && policy.Refuse(u.Host) == "" && readable(u) {
					r.add(u.String(), at.depth+1)
				}
			}
		}
		if err := r.record(ctx, v); err != nil {
			return err
		}
	}
	return nil
}

// record stores a page that was read, or counts a failure, and reports the Item.
func (r *run) record(ctx context.Context, v research.Visit) error {
	item := Item{URL: v.URL, State: Failed, Reason: v.Message}
	if v.Outcome == research.OutcomeOK {
		isNew, err := r.store(ctx, v)
		switch {
		case errors.Is(err, research.ErrTooSlow):
			v.Outcome, item.Reason = research.OutcomeTooLarge, "The page is so large that it could not be stored in time."
			r.sum.Unstored++
		case err != nil:
			r.sum.Left = len(r.queue) + 1
			return fmt.Errorf("store %s: %w", v.URL, err)
		case isNew:
			item.State = Added
		default:
			item.State = Unchanged
		}
	}
	switch item.State {
	case Added:
		r.sum.New++
	case Unchanged:
		r.sum.Unchanged++
	default:
		r.sum.Failed++
		r.sum.Reasons[string(v.Outcome)]++
	}
	r.done++
	if item.Done, item.Known = r.done, r.done+len(r.queue); r.Report != nil {
		r.Report(item)
	}
	return nil
}

// readable reports whether a link may lead to a document, judged by the extension in its path. Files that are certainly
// not documents are not requested.
func readable(u *url.URL) bool {
	name := strings.ToLower(u.Path[strings.LastIndexByte(u.Path, '/')+1:])
	dot := strings.LastIndexByte(name, '.')
	return dot < 0 || !media[name[dot:]]
}

var media = func() map[string]bool {
	m := map[string]bool{}
	for _, e := range strings.Fields(`.7z .apk .avi .avif .bin .bmp .bz2 .css .deb .dmg .eot .exe .flac .gif .gz .ico .img .iso .jar .jpeg .jpg .js .m4a .m4v
		.map .mjs .mkv .mov .mp3 .mp4 .mpeg .msi .ogg .ogv .otf .png .psd .rar .rpm .svg .tar .tgz .tif .tiff .ttf .wasm .wav .webm .webp .woff
		.woff2 .xz .zip .zst`) {
		m[e] = true
	}
	return m
}()
