package testsite

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Reporter is a scripted model that quotes sentences of the site's page /manual/long.html, and writes a report from them. Each
// of its sentences about a quote names the year that the quote has, so that a test can compare a marker with its
// citation (ReportedYear). Its replies depend on the request alone, so a repeated request gets the same reply.
type Reporter struct {
	Page   string  // address of the long page
	Quotes int     // number of quotes that it cites, at most 60
	Bias   float64 // words that it writes for each word that it is asked for; 0 means 1
	Cut    int     // number of the section whose first reply reaches the limit of length; 0 means none
	Broken int     // number of the section at which the model fails for good; 0 means none
	Hang   int     // number of the section to which it does not reply; 0 means none
	Tokens int     // input tokens that it reports for each request; 0 means the usual number
}

// ReportedYear matches the year of a sentence of a Reporter, and the markers after it.
var ReportedYear = regexp.MustCompile(`year (\d+) and its many kettles ((?:\[\d+\])+)`)

var (
	wantedWords = regexp.MustCompile(`in about (\d+) words`)
	wantedPlan  = regexp.MustCompile(`Plan \d+ to (\d+) sections`)
	shownQuote  = regexp.MustCompile(`(?s)\[(\d+)\] from .*?\nIn the year (\d+),`)
	wantedPart  = regexp.MustCompile(`Write section (\d+)`)
)

// WantedSection returns the number of the section of a report that a request asks for; 0 if it asks for something else.
func WantedSection(r ModelRequest) int {
	messages := r.Messages()
	if len(messages) < 2 || !strings.HasPrefix(fmt.Sprint(messages[0]["content"]), "You write one section") {
		return 0
	}
	m := wantedPart.FindStringSubmatch(fmt.Sprint(messages[1]["content"]))
	if m == nil {
		return 0
	}
	n, _ := strconv.Atoi(m[1])
	return n
}

// Turn is a Script.
func (p *Reporter) Turn(_ int, r ModelRequest) Turn {
	t := p.reply(r)
	t.In = p.Tokens
	return t
}

func (p *Reporter) reply(r ModelRequest) Turn {
	if len(r.Tools()) > 0 {
		return p.research(r)
	}
	messages := r.Messages()
	text := func(i int) string { s, _ := messages[i]["content"].(string); return s }
	switch rules := text(0); {
	case strings.HasPrefix(rules, "You plan a report"):
		return Turn{Text: p.plan(rules)}
	case strings.HasPrefix(rules, "You write one section"):
		return p.section(len(messages), text(1))
	case strings.HasPrefix(rules, "You finish a report"):
		q := shownQuote.FindStringSubmatch(text(1))
		return Turn{Text: "SUMMARY\nThe town kept kettles, as in the year " + q[2] + " and its many kettles [" + q[1] + "].\n" +
			"OPEN QUESTIONS\n- Who made the kettles?\nLIMITS\n- One chronicle is the only source.\nCONTRADICTIONS\n- none\nCORRECTIONS\n- none\n"}
	}
	return Turn{Status: http.StatusTeapot, Error: "the script has no reply to this request"}
}

// research opens the long page and cites its sentences, eight in each call.
func (p *Reporter) research(r ModelRequest) Turn {
	cited := strings.Count(r.Raw, "Kept as evidence")
	if cited >= p.Quotes {
		return Turn{Text: "DONE"}
	}
	if !strings.Contains(r.Raw, `"arguments":"{\"url\"`) {
		raw, _ := json.Marshal(map[string]any{"url": p.Page})
		return Turn{Calls: []ToolCall{{Name: "navigate_to", Arguments: string(raw)}}}
	}
	var quotes []string
	for i := cited + 1; i <= min(cited+8, p.Quotes); i++ {
		quotes = append(quotes, fmt.Sprintf("In the year %d, so the chronicle says, the town of Lower Boiling counted %d kettles.", 1490+9*i, 13*i+4))
	}
	raw, _ := json.Marshal(map[string]any{"url": p.Page, "quotes": quotes})
	return Turn{Calls: []ToolCall{{Name: "cite", Arguments: string(raw)}}}
}

func (p *Reporter) plan(rules string) string {
	most, _ := strconv.Atoi(wantedPlan.FindStringSubmatch(rules)[1])
	sections := make([]map[string]any, most)
	for i := range sections {
		var quotes []int
		for q := i + 1; q <= p.Quotes; q += most {
			quotes = append(quotes, q)
		}
		sections[i] = map[string]any{"heading": fmt.Sprintf("Part %c of the chronicle", 'A'+i), "about": "Some years", "quotes": quotes}
	}
	raw, _ := json.Marshal(map[string]any{"title": "The kettles of Lower Boiling", "sections": sections})
	return "```json\n" + string(raw) + "\n```"
}

func (p *Reporter) section(messages int, ask string) Turn {
	number, _ := strconv.Atoi(wantedPart.FindStringSubmatch(ask)[1])
	switch number {
	case p.Broken:
		return Turn{Status: http.StatusUnauthorized, Error: "no"}
	case p.Hang:
		return Turn{Hang: true}
	}
	wanted, _ := strconv.Atoi(wantedWords.FindStringSubmatch(ask)[1])
	words := float64(wanted)
	if p.Bias > 0 {
		words *= p.Bias
	}
	quotes := shownQuote.FindAllStringSubmatch(ask, -1)
	var b strings.Builder
	const each = 13 // words of a sentence
	for i := 0; float64(each*i) < words; i++ {
		q := quotes[i%len(quotes)]
		fmt.Fprintf(&b, "Sentence %d of part %d is about the year %s and its many kettles [%s]. ", i+1, number, q[2], q[1])
	}
	whole := strings.TrimSpace(b.String())
	switch half := len(whole) / 2; {
	case number != p.Cut:
		return Turn{Text: whole}
	case messages == 2:
		return Turn{Text: whole[:half], Stop: "length"}
	default:
		return Turn{Text: whole[half:]}
	}
}
