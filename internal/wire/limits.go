package wire

import (
	"maps"
	"math"
	"regexp"
	"slices"

	"github.com/go-json-experiment/json"

	"legwork/api"
	"legwork/internal/research"
)

// maxDollars is the greatest value of the limit on dollars in a month.
const maxDollars = 1e9

// plainKeyID is the form of an API key's id.
var plainKeyID = regexp.MustCompile(`^[a-z0-9]{16}$`)

// ParseKeyID checks the id of an API key in a query. It returns "" when the query has none.
func ParseKeyID(id *string) (string, error) {
	if id == nil {
		return "", nil
	}
	if !plainKeyID.MatchString(*id) {
		var bad research.ValidationError
		bad.Add("keyId", "must be the id of an API key: 16 lower case letters and digits")
		return "", bad.Err()
	}
	return *id, nil
}

// DecodeUsageLimits decodes limits. A limit that is missing or null means that there is no limit. The error is a
// *research.ValidationError that names every invalid field.
func DecodeUsageLimits(body []byte) (research.UsageLimits, error) {
	known := []string{"tasksPerHour", "tasksPerDay", "concurrentRuns", "openStreams", "pagesPerMonth", "tokensPerMonth", "dollarsPerMonth"}
	o, err := parse(body, known)
	if err != nil {
		return research.UsageLimits{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(o.fields)) {
		if !slices.ContainsFunc(known, func(k string) bool { return name == k || name == snake(k) }) {
			o.bad.Add(research.Truncate(name, 64), "is not a limit") // a misspelt name must be an error, because otherwise the limit that the client meant would be removed
		}
	}
	l := research.UsageLimits{
		TasksPerHour: o.amount("tasksPerHour", 1e9), TasksPerDay: o.amount("tasksPerDay", 1e9),
		ConcurrentRuns: o.amount("concurrentRuns", 1e6), OpenStreams: o.amount("openStreams", 1e6),
		PagesPerMonth: o.amount("pagesPerMonth", 1e12), TokensPerMonth: o.amount("tokensPerMonth", 1e15),
		MicrodollarsPerMonth: o.dollars("dollarsPerMonth"),
	}
	return l, o.bad.Err()
}

// amount reads a whole number from 0 to most. It returns nil when the field is missing or null.
func (o *object) amount(field string, most int) *int64 {
	if o.get(field) == nil {
		return nil
	}
	n := int64(o.integer(field, 0, most, 0))
	return &n
}

// dollars reads an amount of US dollars and returns it in millionths of a dollar. It returns nil when the field is
// missing or null.
func (o *object) dollars(field string) *int64 {
	v := o.get(field)
	if v == nil {
		return nil
	}
	var usd float64
	if v.Kind() != '0' || json.Unmarshal(v, &usd) != nil || usd < 0 || usd > maxDollars {
		o.bad.Add(field, "must be a number from 0 to %d", int64(maxDollars))
		return nil
	}
	micro := int64(math.Round(usd * 1e6))
	return &micro
}

// LimitStatus returns the JSON of limits and of the usage that they limit. An empty key means the whole account.
func LimitStatus(key string, l research.UsageLimits, own bool, u research.LimitUsage) api.LimitStatus {
	out := api.LimitStatus{Own: own, Limits: api.UsageLimits{TasksPerHour: l.TasksPerHour, TasksPerDay: l.TasksPerDay, ConcurrentRuns: l.ConcurrentRuns,
		OpenStreams: l.OpenStreams, PagesPerMonth: l.PagesPerMonth, TokensPerMonth: l.TokensPerMonth}}
	if key != "" {
		out.KeyID = &key
	}
	if l.MicrodollarsPerMonth != nil {
		usd := float64(*l.MicrodollarsPerMonth) / 1e6
		out.Limits.DollarsPerMonth = &usd
	}
	out.Used.TasksThisHour, out.Used.TasksToday, out.Used.ConcurrentRuns, out.Used.OpenStreams = u.TasksThisHour, u.TasksToday, u.Runs, u.Streams
	out.Used.PagesThisMonth, out.Used.TokensThisMonth, out.Used.DollarsThisMonth = u.Pages, u.Tokens, float64(u.Microdollars)/1e6
	out.Reserved.Pages, out.Reserved.Tokens, out.Reserved.Dollars = u.PagesReserved, u.TokensReserved, float64(u.MicrodollarsReserved)/1e6
	out.ResetsAt.Hour, out.ResetsAt.Day, out.ResetsAt.Month = api.NewTime(u.HourResetsAt), api.NewTime(u.DayResetsAt), api.NewTime(u.MonthResetAt)
	return out
}
