package report

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"legwork/internal/agent"
	"legwork/internal/agent/answertext"
	"legwork/internal/research"
)

// opening returns the beginning of the report up to the text of section i, as it is published while the report is
// written, with markers, and the quotes that the markers point at.
func (d *draft) opening(i int) (text string, used []int) {
	var b strings.Builder
	b.WriteString("# " + d.Title + "\n\n")
	for _, s := range d.Sections[:i] {
		if s.Text == "" {
			continue
		}
		c := answertext.CheckFrom(used, s.Text, len(d.Quotes))
		used = c.Used
		b.WriteString("## " + s.Heading + "\n\n" + c.Text + "\n\n")
	}
	if i < len(d.Sections) {
		b.WriteString("## " + d.Sections[i].Heading + "\n\n")
	}
	return b.String(), used
}

// publish publishes the sections before section i, and the heading of section i.
func (d *draft) publish(i int) { d.Stream.Keep(d.opening(i)) }

// report puts the parts together. Markers are numbered in the order in which the sections use the quotes; then come
// those that only the summary or the contradictions use.
func (d *draft) report() Report {
	r := Report{Planned: len(d.Sections), Sections: d.written(), Flaw: d.flaw}
	c := &r.Written
	with := func(text string) string {
		next := answertext.CheckFrom(c.Used, text, len(d.Quotes))
		c.Used, c.Invalid = next.Used, c.Invalid+next.Invalid
		return next.Text
	}
	var body strings.Builder
	for _, s := range d.Sections {
		if s.Text != "" {
			fmt.Fprintf(&body, "## %s\n\n%s\n\n", s.Heading, with(s.Text))
		}
	}
	summary := with(d.summary)
	counted := answertext.CheckFrom(c.Used, body.String()+summary, len(c.Used))
	c.Text, c.Sentences, c.Unsupported = strings.TrimSpace(body.String()+summary), counted.Sentences, counted.Unsupported

	var b strings.Builder
	b.WriteString("# " + d.Title + "\n\n")
	part := func(heading, text string) {
		if text = strings.TrimSpace(text); text != "" {
			fmt.Fprintf(&b, "## %s\n\n%s\n\n", heading, text)
		}
	}
	part(d.labels.Summary, summary)
	b.WriteString(body.String())
	var shown string
	shown, r.Contradictions = d.contradicting(c)
	part(d.labels.Contradictions, shown)
	part(d.labels.OpenQuestions, with(list(d.questions)))
	part(d.labels.Limits, with(list(d.allLimits())))
	part(d.labels.Sources, d.sources(c.Used))
	r.Text = strings.TrimSpace(b.String())
	return r
}

func list(items []string) string {
	var b strings.Builder
	for _, s := range items {
		b.WriteString("- " + s + "\n")
	}
	return b.String()
}

// allLimits returns the limits that the model named. If the last pass was not made, or the report is incomplete, the
// reasons come from this program, in English.
func (d *draft) allLimits() []string {
	limits := slices.Clone(d.limits)
	if !d.finished {
		limits = append(limits, d.facts...)
	}
	switch {
	case d.removed == 1:
		limits = append(limits, "A sentence was removed, because the quotes did not support it.")
	case d.removed > 1:
		limits = append(limits, fmt.Sprintf("%d sentences were removed, because the quotes did not support them.", d.removed))
	}
	if d.flaw != "" {
		limits = append(limits, "This report is incomplete: "+d.flaw+".")
	}
	for _, s := range d.Sections {
		if s.Text == "" {
			limits = append(limits, fmt.Sprintf("The section “%s” was planned and is missing.", s.Heading))
		}
	}
	return limits
}

// sources lists the pages that the report cites, each once, in the order of their first markers. Pages with the same
// text stand together.
func (d *draft) sources(used []int) string {
	cited := make([]agent.Quote, len(used))
	for i, n := range used {
		cited[i] = d.Quotes[n-1]
	}
	groups := agent.SourceGroups(cited)
	type page struct {
		quote   agent.Quote
		markers []string
		group   int
		first   int
	}
	var pages []*page
	byURL := map[string]*page{}
	for i, q := range cited {
		p := byURL[q.URL]
		if p == nil {
			p = &page{quote: q, group: groups[q.Evidence], first: i}
			byURL[q.URL] = p
			pages = append(pages, p)
		}
		p.markers = append(p.markers, fmt.Sprintf("[%d]", i+1))
	}
	slices.SortStableFunc(pages, func(a, b *page) int { return cmp.Or(a.group-b.group, a.first-b.first) })
	var b strings.Builder
	for i, p := range pages {
		title := cmp.Or(plainLine(p.quote.Title, maxHeading), host(p.quote.URL))
		fmt.Fprintf(&b, "- %s %s, <%s>", strings.Join(p.markers, ""), title, address(p.quote.URL))
		if known := Described(d.SourceOf(p.quote)); known != "" {
			fmt.Fprintf(&b, " (%s)", known)
		}
		if i > 0 && pages[i-1].group == p.group {
			b.WriteString(": the same text as the source above")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// address returns a URL in the form in which it can stand between < and > in Markdown.
func address(u string) string {
	return strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20", "\n", "", "\r", "", "[", "%5B", "]", "%5D").Replace(u)
}

func host(raw string) string {
	if u, err := url.Parse(raw); err == nil && u.Host != "" {
		return u.Host
	}
	return raw
}

// contradicting returns the part of the report about contradictions, with the quotes and their dates, and the same as
// data. It adds quotes to c that the text of the report does not cite.
func (d *draft) contradicting(c *answertext.Checked) (string, []research.Contradiction) {
	var b strings.Builder
	found := d.Marked(d.contradictions, &c.Used)
	for _, f := range found {
		fmt.Fprintf(&b, "- %s\n", f.About)
		for _, m := range f.Citations {
			q := d.Quotes[c.Used[m-1]-1]
			facts := []string{cmp.Or(plainLine(q.Title, maxHeading), host(q.URL))}
			if known := Described(d.SourceOf(q)); known != "" {
				facts = append(facts, known)
			}
			if m == f.Newest {
				facts = append(facts, "the newest")
			}
			fmt.Fprintf(&b, "  - “%s” (%s) [%d]\n", plainQuote(q.Text), strings.Join(facts, ", "), m)
		}
	}
	return b.String(), found
}

// plainQuote returns the text of a quote on one line, for a list. Characters that Markdown would interpret are escaped.
func plainQuote(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "[", `\[`, "]", `\]`, "<", `\<`, "|", `\|`).
		Replace(strings.Join(strings.Fields(text), " "))
}
