package auth

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2/simplelru"

	"legwork/internal/access"
)

// outcomeID is the key of a cached result: the SHA-256 of the method's number and the credential.
type outcomeID string

type outcome struct {
	grant Grant
	until time.Time
}

// keptNotices is how many recent notices are stored. They are compared with streams that are just being opened.
const keptNotices = 1024

// state holds the cached results, the recent notices and the open streams of an Authenticator. One lock guards all of them, so
// that no result is read or cached while a notice is applied.
type state struct {
	mu        sync.Mutex
	listening bool
	outcomes  *lru.LRU[outcomeID, outcome]
	notices   uint64          // number of notices that were received
	recent    []access.Notice // the last notices, at most keptNotices
	watches   map[*watch]struct{}
}

func newState() *state {
	outcomes, err := lru.NewLRU[outcomeID, outcome](most, nil)
	if err != nil { // only a size below 1 is an error
		panic(err)
	}
	return &state{outcomes: outcomes, watches: map[*watch]struct{}{}}
}

// recall returns a cached result, and the number of notices received so far, which the caller passes to remember.
func (s *state) recall(id outcomeID, now time.Time) (Grant, uint64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o, found := s.outcomes.Get(id)
	if found && !now.Before(o.until) {
		s.outcomes.Remove(id)
		found = false
	}
	return o.grant, s.notices, found
}

// remember caches a result. It does not cache it if a notice that credentials have changed was received since recall
// was called, because the result may be out of date already. It also does not cache it while this process receives no
// notices, because it would not learn of a change.
func (s *state) remember(id outcomeID, g Grant, notices uint64, keep time.Duration) {
	until := time.Now().Add(keep)
	if at := g.Principal.ExpiresAt; at != nil && at.Before(until) {
		until = *at
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listening && s.notices == notices {
		s.outcomes.Add(id, outcome{grant: g, until: until})
	}
}

// note stores a notice and counts it. The caller must hold mu.
func (s *state) note(n access.Notice) {
	s.notices++
	if len(s.recent) == keptNotices {
		s.recent = append(s.recent[:0], s.recent[keptNotices/2:]...)
	}
	s.recent = append(s.recent, n)
}

func (s *state) listen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(access.Everybody) // notices may have been missed
	s.listening = true
}

func (s *state) lost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(access.Everybody)
	s.listening = false
	s.outcomes.Purge()
}

// changed removes the cached results to which a notice applies, and returns the open streams to which it applies.
func (s *state) changed(n access.Notice) []*watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(n)
	for _, id := range s.outcomes.Keys() {
		if o, _ := s.outcomes.Peek(id); n.Concerns(o.grant.Principal) {
			s.outcomes.Remove(id)
		}
	}
	var concerned []*watch
	for w := range s.watches {
		if n.Concerns(w.principal) {
			concerned = append(concerned, w)
		}
	}
	return concerned
}

// watched returns all open streams.
func (s *state) watched() []*watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := make([]*watch, 0, len(s.watches))
	for w := range s.watches {
		open = append(open, w)
	}
	return open
}

// watch is an open stream.
type watch struct {
	principal access.Principal
	end       func() // may be called more than once
	expiry    *time.Timer
}

// watch registers a stream. missed is true if a notice about its principal may have arrived after its credential was
// checked.
func (s *state) watch(c Caller, ended func()) (w *watch, missed bool) {
	w = &watch{principal: c.Principal, end: sync.OnceFunc(ended)}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watches[w] = struct{}{}
	if at := c.ExpiresAt; at != nil {
		w.expiry = time.AfterFunc(time.Until(*at), w.end)
	}
	since := s.notices - c.checked
	if since > uint64(len(s.recent)) {
		return w, true
	}
	for _, n := range s.recent[uint64(len(s.recent))-since:] {
		if n.Concerns(c.Principal) {
			return w, true
		}
	}
	return w, false
}

func (s *state) unwatch(w *watch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.watches, w)
	if w.expiry != nil {
		w.expiry.Stop()
	}
}

// uses collects the last use of each credential until the uses are stored.
type uses struct {
	mu     sync.Mutex
	latest map[string]Use
}

func (u *uses) note(use Use) {
	var id string
	switch p := use.Principal; {
	case p.KeyID != "":
		id = p.KeyID
	case p.SessionID != nil:
		id = p.SessionID.String()
	default:
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.latest[id] = use
}

// take returns the collected uses, and clears the collection.
func (u *uses) take() []Use {
	u.mu.Lock()
	defer u.mu.Unlock()
	out := make([]Use, 0, len(u.latest))
	for _, use := range u.latest {
		out = append(out, use)
	}
	clear(u.latest)
	return out
}
