package pagetext

import (
	neturl "net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"legwork/internal/agent/quotes"
	"legwork/internal/research"
)

// Bounds of the links that are written into a text.
const (
	maxTargets  = 20     // in one part of a text
	maxTarget   = 120    // bytes of an address
	searchAhead = 30_000 // bytes of text in which a link is looked for behind the one before it
	nearAhead   = 1500   // bytes in which any occurrence counts; further ahead, the words before the link must be the same
)

// target is the end of a link in the text, with the address that is written there.
type target struct {
	at  int
	url string
}

// Shown returns a part of the text with the targets of its links in line, as in: see Locks ⟨explicit-locking.html⟩.
// Addresses on the page's own host are relative to the page at the address url. At most maxTargets links have a target.
// If there are more, only those for which prefer returns true have one. more is the number of the others.
func (d *Doc) Shown(part quotes.Span, url string, links []research.Link, prefer func(research.Link) bool) (text string, more int) {
	all, ok := d.placed[url]
	if !ok {
		all = d.place(url, links, prefer)
		d.placed[url] = all
	}
	var here []target
	for _, t := range all {
		if part.Start < t.at && t.at <= part.End {
			here = append(here, t)
		}
	}
	if all := len(here); all > maxTargets {
		here = chosen(here)
		more = all - len(here)
	}
	var b strings.Builder
	from := part.Start
	for _, t := range here {
		b.WriteString(d.Slice(from, t.at))
		b.WriteString(" ⟨" + strings.TrimPrefix(t.url, preferred) + "⟩")
		from = t.at
	}
	b.WriteString(d.Slice(from, part.End))
	return b.String(), max(0, more)
}

// preferred begins the address of a target that comes before others.
const preferred = "\x00"

// chosen returns at most maxTargets of the targets in their order: the preferred ones, or if there are none the first.
func chosen(all []target) []target {
	wanted := 0
	for _, t := range all {
		if strings.HasPrefix(t.url, preferred) {
			wanted++
		}
	}
	others := maxTargets
	if wanted > 0 {
		others = 0
	}
	var out []target
	for _, t := range all {
		isWanted := strings.HasPrefix(t.url, preferred)
		if !isWanted {
			if others == 0 {
				continue
			}
			others--
		}
		if out = append(out, t); len(out) == maxTargets {
			break
		}
	}
	return out
}

// place finds the links of a page in its text, in their order. Links to the page itself, and links whose text does not
// follow in the text, are left out.
func (d *Doc) place(url string, links []research.Link, prefer func(research.Link) bool) []target {
	base, err := neturl.Parse(url)
	if err != nil {
		return nil
	}
	text := d.Slice(0, d.Len())
	var out []target
	at, runes, counted := 0, 0, 0 // position behind the last link in bytes; code points up to counted
	for _, l := range links {
		if l.URL == url || utf8.RuneCountInString(l.Text) < 2 {
			continue
		}
		i := find(text[at:min(len(text), at+searchAhead)], l.Text)
		if i < 0 || i > nearAhead && !fits(text[:at+i], l) {
			continue
		}
		at += i + len(l.Text)
		runes += utf8.RuneCountInString(text[counted:at])
		counted = at
		address := relative(base, l)
		if len(address) > maxTarget {
			continue
		}
		if prefer != nil && prefer(l) {
			address = preferred + address
		}
		out = append(out, target{at: runes, url: address})
	}
	return out
}

// fits reports whether the words before a link in its block are the end of a text. If the link begins its block, the text
// must end with the beginning of a line.
func fits(before string, l research.Link) bool {
	k := strings.Index(l.Context, l.Text)
	if k < 0 {
		return false
	}
	if words := strings.TrimSpace(strings.ToValidUTF8(l.Context[max(0, k-12):k], "")); words != "" {
		return strings.HasSuffix(strings.TrimSpace(before), words)
	}
	line := before[strings.LastIndexByte(before, '\n')+1:]
	return !strings.ContainsFunc(line, unicode.IsLetter)
}

// find returns the position of a word or phrase in a text, or -1. It must not be a part of a longer word.
func find(text, phrase string) int {
	for from := 0; ; {
		i := strings.Index(text[from:], phrase)
		if i < 0 {
			return -1
		}
		i += from
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[i+len(phrase):])
		if !wordRune(before) && !wordRune(after) {
			return i
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		from = i + size
	}
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// relative returns the address of a link, as short as possible. It is relative to the folder of the page if it is below it.
func relative(base *neturl.URL, l research.Link) string {
	address := l.URL
	if u, err := neturl.Parse(l.URL); err == nil && u.Host == base.Host && u.Scheme == base.Scheme && u.User == nil {
		address = u.RequestURI()
		folder := base.EscapedPath()
		folder = folder[:strings.LastIndexByte(folder, '/')+1]
		if rest, ok := strings.CutPrefix(address, folder); ok && rest != "" && !strings.ContainsAny(rest[:1], "/?") && !strings.Contains(rest, "://") {
			address = rest
		}
	}
	if l.Frag != "" {
		address += "#" + l.Frag
	}
	return strings.NewReplacer("⟨", "%E2%9F%A8", "⟩", "%E2%9F%A9", "\n", "").Replace(address)
}
