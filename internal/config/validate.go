package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Problem is one variable whose value cannot be used.
type Problem struct {
	Variable string
	Value    string // the value as it was given, with secrets masked
	Source   string // "environment", "default" or the path of the environment file
	Must     string // completes "Variable must …"
}

// String returns the problem as one line.
func (p Problem) String() string {
	return fmt.Sprintf("%s=%s (%s) must %s", p.Variable, p.Value, p.Source, p.Must)
}

// Error lists every problem of a configuration, in the order of .env.example.
type Error struct {
	Problems []Problem
}

// Error implements error: one line per problem after a first line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("the configuration cannot be used; correct this and start again:")
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// validator collects problems, at most one for each variable.
type validator struct {
	src      source
	problems []Problem
}

// fieldOf returns the field of Config that belongs to a variable.
func fieldOf(name string) reflect.StructField {
	fields := reflect.VisibleFields(reflect.TypeFor[Config]())
	i := slices.IndexFunc(fields, func(f reflect.StructField) bool { return variable(f) == name })
	return fields[i] // panics if the name is misspelt in this package, which every test of the variable finds
}

// add reports a variable. must says what is allowed; if it is empty, the text of the field's tag is used.
func (v *validator) add(name, must string) {
	if v.bad(name) {
		return
	}
	f := fieldOf(name)
	if must == "" {
		must = f.Tag.Get("must")
	}
	raw := v.src.values()[name]
	if raw == "" {
		raw = f.Tag.Get("envDefault")
	}
	shown := fmt.Sprintf("%q", raw)
	u, err := url.Parse(raw)
	switch {
	case f.Type == reflect.TypeFor[Secret]():
		shown = Secret(raw).String()
	case f.Type == reflect.TypeFor[DSN]():
		shown = fmt.Sprintf("%q", DSN(raw).String())
	case err == nil && u.User != nil:
		shown = fmt.Sprintf("%q", u.Redacted())
	}
	v.problems = append(v.problems, Problem{Variable: name, Value: shown, Source: v.src.origin(name), Must: must})
}

func (v *validator) bad(name string) bool {
	return slices.ContainsFunc(v.problems, func(p Problem) bool { return p.Variable == name })
}

// require reports the variable, with the text of its tag, if ok is false.
func (v *validator) require(name string, ok bool) {
	if !ok {
		v.add(name, "")
	}
}

// optional is like require, but accepts an empty value.
func (v *validator) optional(name, value string, ok func(string) bool) {
	v.require(name, value == "" || ok(value))
}

// parseFailures reports the values that the env library could not convert to the type of their field.
func (v *validator) parseFailures(err error) {
	for _, e := range asErrors(err) {
		parse, ok := errors.AsType[env.ParseError](e)
		if !ok {
			panic("config: the struct tags are wrong: " + e.Error()) // a mistake in this package, not in the input
		}
		f, _ := reflect.TypeFor[Config]().FieldByName(parse.Name)
		v.add(variable(f), "")
	}
}

func (v *validator) inFieldOrder() []Problem {
	t := reflect.TypeFor[Config]()
	order := make(map[string]int, t.NumField())
	for i := range t.NumField() {
		order[variable(t.Field(i))] = i
	}
	slices.SortStableFunc(v.problems, func(a, b Problem) int { return order[a.Variable] - order[b.Variable] })
	return v.problems
}

func (v *validator) validate(c *Config) {
	v.api(c)
	v.logins(c)
	v.tls(c)
	v.storage(c)
	v.tasks(c)
	v.fetching(c)
	v.search(c)
	v.model(c)
	v.limits(c)
	v.logging(c)
}

func (v *validator) api(c *Config) {
	v.require("API_HOST", validHost(c.APIHost))
	v.require("API_PORT", within(c.APIPort, 0, 65535))
	v.require("RATE_REQUESTS_PER_SECOND", within(c.RateRequestsPerSecond, 0, 100_000))
	v.require("TRUSTED_PROXIES", !slices.ContainsFunc(c.TrustedProxies, func(p netip.Prefix) bool { return !p.IsValid() }))
	v.require("TRUSTED_PROXY_HEADER", slices.Contains([]string{"X-Forwarded-For", "Forwarded"}, c.TrustedProxyHeader))
	v.require("AUTH_MODE", c.AuthMode == AuthRequired || c.AuthMode == AuthOff)
	v.optional("LEGWORK_BOOTSTRAP_KEY", c.BootstrapKey.Reveal(), bootstrapKey.MatchString)
	for _, host := range c.AllowedHosts {
		v.require("ALLOWED_HOSTS", host == "*" || validHost(host))
	}
	v.require("CORS_ORIGINS", len(c.CORSOrigins) > 0)
	origins := make([]string, 0, len(c.CORSOrigins))
	for _, s := range c.CORSOrigins {
		origin, err := parseOrigin(s)
		switch {
		case s == "*":
			v.add("CORS_ORIGINS", "name each origin: requests carry credentials, and browsers refuse * with them")
		case err != nil:
			v.add("CORS_ORIGINS", fmt.Sprintf("%s; %q is %s", fieldOf("CORS_ORIGINS").Tag.Get("must"), s, err))
		}
		if !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	c.CORSOrigins = origins
}

// bootstrapKey matches the form of an API key (internal/auth/apikey). The last of the 43 characters encodes only four
// bits, so it has only 16 possible values.
var bootstrapKey = regexp.MustCompile(`^lw_[a-z0-9]{16}_[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$`)

// keyValueDSN matches the beginning of a connection string in libpq's key=value form (PostgreSQL documentation,
// section "Connection Strings").
var keyValueDSN = regexp.MustCompile(`^\s*[a-z_]+\s*=`)

func (v *validator) storage(c *Config) {
	dsn := func(s string) bool {
		url := strings.HasPrefix(s, "postgres://") || strings.HasPrefix(s, "postgresql://")
		return url || keyValueDSN.MatchString(s) // the driver checks the rest
	}
	v.optional("DATABASE_URL", c.DatabaseURL.Reveal(), dsn)
	v.optional("DATABASE_DIRECT_URL", c.DatabaseDirectURL.Reveal(), func(s string) bool { return c.DatabaseURL != "" && dsn(s) })
	v.optional("DATABASE_REPLICA_URL", c.DatabaseReplicaURL.Reveal(), func(s string) bool { return c.DatabaseURL != "" && dsn(s) })
	v.require("LEGWORK_SECRET_KEY", !slices.ContainsFunc(secretKeys(c.SecretKey.Reveal()), func(key string) bool { return len(key) < leastSecretKey }))
	v.require("LEGWORK_SECRET_KEY_FILE", c.SecretKey == "" || c.SecretKeyFile == "")
	v.require("DATABASE_MAX_CONNS", within(c.DatabaseMaxConns, 4, 1000))
	v.require("ARTIFACT_DIR", folderOrBucket(c.ArtifactDir))
	v.optional("LEGWORK_PG_MIRROR", c.PGMirror, func(s string) bool { return webURL(s, "http", "https") })
}

// leastSecretKey is the least length of a key of LEGWORK_SECRET_KEY, as in package internal/sealed.
const leastSecretKey = 32

// secretKeys splits LEGWORK_SECRET_KEY as package internal/sealed does.
func secretKeys(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(", \n\r\t", r) })
}

// folderOrBucket accepts every path. Of URLs it accepts only those of S3 buckets.
func folderOrBucket(s string) bool {
	if !strings.Contains(s, "://") {
		return true
	}
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "s3" && u.Host != "" && u.User == nil && (u.Path == "" || u.Path == "/")
}

func (v *validator) tasks(c *Config) {
	v.require("MAX_CONCURRENT_TASKS", within(c.MaxConcurrentTasks, 1, 1000))
	v.require("MAX_QUEUED_TASKS", within(c.MaxQueuedTasks, 0, 1_000_000))
	v.require("TASK_TIMEOUT", within(c.TaskTimeout, time.Second, 24*time.Hour))
	v.require("DEEP_AT_ONCE", 1 <= c.DeepAtOnce && c.DeepAtOnce <= 12)
	v.require("DEEP_TIMEOUT", within(c.DeepTimeout, time.Minute, 168*time.Hour))
	v.require("DEEP_PLAN_TIMEOUT", within(c.DeepPlanTimeout, time.Minute, 720*time.Hour))
	v.budget("TASK_DEFAULT_TIME_BUDGET", c.TaskDefaultTimeBudget)
	v.budget("TASK_MIN_TIME_BUDGET", c.TaskMinTimeBudget)
	v.budget("TASK_MAX_TIME_BUDGET", c.TaskMaxTimeBudget)
	v.ordered("TASK_MIN_TIME_BUDGET", "TASK_MAX_TIME_BUDGET", c.TaskMinTimeBudget, c.TaskMaxTimeBudget)
	v.ordered("TASK_MIN_TIME_BUDGET", "TASK_DEFAULT_TIME_BUDGET", c.TaskMinTimeBudget, c.TaskDefaultTimeBudget)
	v.ordered("TASK_DEFAULT_TIME_BUDGET", "TASK_MAX_TIME_BUDGET", c.TaskDefaultTimeBudget, c.TaskMaxTimeBudget)
	v.ordered("TASK_MAX_TIME_BUDGET", "TASK_TIMEOUT", c.TaskMaxTimeBudget, c.TaskTimeout)
	v.require("RETENTION_DAYS", within(c.RetentionDays, 0, 36500))
	v.require("LEASE_TTL", within(c.LeaseTTL, time.Second, 10*time.Minute))
	v.require("SHUTDOWN_TIMEOUT", within(c.ShutdownTimeout, time.Second, 10*time.Minute))
}

func (v *validator) budget(name string, d time.Duration) {
	v.require(name, within(d, time.Second, 24*time.Hour) && d%time.Second == 0)
}

// ordered reports the upper variable when it is less than the lower one, unless one of the two was already
// reported.
func (v *validator) ordered(lower, upper string, low, high time.Duration) {
	if low > high && !v.bad(lower) && !v.bad(upper) {
		v.add(upper, fmt.Sprintf("be at least %s (%s)", lower, low))
	}
}

func (v *validator) fetching(c *Config) {
	v.require("RATE_LIMIT_REQUESTS", within(c.RateLimitRequests, 1, 100_000))
	v.require("RATE_LIMIT_WINDOW", within(c.RateLimitWindow, time.Second, 24*time.Hour))
	v.require("REQUEST_DELAY_MIN", within(c.RequestDelayMin, 0, 5*time.Minute))
	v.require("REQUEST_DELAY_MAX", within(c.RequestDelayMax, 0, 5*time.Minute))
	v.ordered("REQUEST_DELAY_MIN", "REQUEST_DELAY_MAX", c.RequestDelayMin, c.RequestDelayMax)
	v.require("FETCH_ALLOW_NETS", !slices.ContainsFunc(c.FetchAllowNets, func(p netip.Prefix) bool { return !p.IsValid() }))
	v.require("FETCH_TIMEOUT", within(c.FetchTimeout, time.Second, 5*time.Minute))
	v.require("FETCH_MAX_BYTES", within(c.FetchMaxBytes, 1<<10, 1<<30))
	v.require("BROWSER", !strings.Contains(c.Browser, "://") || webURL(c.Browser, "ws", "wss", "http", "https"))
	v.optional("BROWSER_PROXY", c.BrowserProxy, func(s string) bool {
		host, port, err := net.SplitHostPort(s)
		return err == nil && (host == "" || validHost(host)) && validPort(port)
	})
	v.listFile("ALLOWED_DOMAINS_FILE", c.AllowedDomainsFile, c.mayBeMissing(c.AllowedDomainsFile, allowedList))
	v.listFile("DISALLOWED_DOMAINS_FILE", c.DisallowedDomainsFile, c.mayBeMissing(c.DisallowedDomainsFile, disallowedList))
	v.require("FETCH_USER_AGENT", len(c.FetchUserAgent) <= 256 && printable(c.FetchUserAgent, true))
	v.optional("FETCH_CONTACT_URL", c.FetchContactURL, func(s string) bool { return webURL(s, "http", "https", "mailto") })
}

// listFile reports that a file of domains is missing, because without the file no domain would be forbidden. The
// default file may be missing.
func (v *validator) listFile(name, path string, mayBeMissing bool) {
	info, err := os.Stat(path)
	if err != nil && !mayBeMissing || err == nil && info.IsDir() {
		v.add(name, "name a file that exists; an empty file, or one of comments alone, is a list without entries")
	}
}

// searchEngines are the search engines that a task may ask for.
var searchEngines = []string{"duckduckgo", "bing", "google", "custom", "library"}

func (v *validator) search(c *Config) {
	v.require("PAGE_TTL", within(c.PageTTL, 0, 8760*time.Hour))
	unknown := func(name string) bool { return !slices.Contains(searchEngines, name) }
	v.require("SEARCH_ENGINES", len(c.SearchEngines) > 0 && !slices.ContainsFunc(c.SearchEngines, unknown))
	v.require("SEARCH_FALLBACK", len(c.SearchFallback) > 0 && !slices.ContainsFunc(c.SearchFallback, unknown))
	v.optional("SEARCH_CUSTOM_URL", c.SearchCustomURL, func(s string) bool { return webURL(s, "http", "https") })
	v.require("GOOGLE_API_KEY", printable(c.GoogleAPIKey.Reveal(), false))
	v.require("GOOGLE_SEARCH_ENGINE_ID", printable(c.GoogleSearchEngineID, false))
	if v.bad("GOOGLE_API_KEY") || v.bad("GOOGLE_SEARCH_ENGINE_ID") {
		return
	}
	switch {
	case c.GoogleAPIKey != "" && c.GoogleSearchEngineID == "":
		v.add("GOOGLE_SEARCH_ENGINE_ID", "be set with GOOGLE_API_KEY: the id (cx) of a Programmable Search Engine")
	case c.GoogleAPIKey == "" && c.GoogleSearchEngineID != "":
		v.add("GOOGLE_API_KEY", "be set with GOOGLE_SEARCH_ENGINE_ID")
	}
}

func (v *validator) model(c *Config) {
	known := []Provider{ProviderAuto, ProviderOpenAI, ProviderAnthropic, ProviderGoogleAI, ProviderReader}
	v.require("LLM_PROVIDER", slices.Contains(known, c.LLMProvider))
	v.optional("LEGWORK_API", c.ServerURL, func(s string) bool { return webURL(s, "http", "https") })
	v.require("LEGWORK_API_KEY", printable(c.ServerKey.Reveal(), false))
	v.optional("LLM_BASE_URL", c.LLMBaseURL, func(s string) bool { return webURL(s, "http", "https") })
	v.require("LLM_API_KEY", printable(c.LLMAPIKey.Reveal(), false))
	v.require("LLM_MODEL", printable(c.LLMModel, false))
	v.require("LLM_TIMEOUT", within(c.LLMTimeout, time.Second, 30*time.Minute))
	v.require("LLM_CONTEXT_TOKENS", c.LLMContextTokens == 0 || 2048 <= c.LLMContextTokens && c.LLMContextTokens <= 10_000_000)
	v.require("LLM_IDLE_TIMEOUT", within(c.LLMIdleTimeout, time.Second, 30*time.Minute))
	v.require("LLM_MAX_CONCURRENT", within(c.LLMMaxConcurrent, 1, 1000))
	v.require("TASK_MAX_TOKENS", c.TaskMaxTokens == 0 || 1000 <= c.TaskMaxTokens && c.TaskMaxTokens <= 1_000_000_000)
	switch p := c.Provider(); {
	case p == ProviderReader || p == ProviderAuto || v.bad("LLM_PROVIDER") || v.bad("LLM_BASE_URL") || v.bad("LLM_API_KEY"):
	case c.LLMAPIKey == "" && (p != ProviderOpenAI || c.LLMBaseURL == ""):
		v.add("LLM_API_KEY", fmt.Sprintf("be set: %s needs a key (a server of your own that needs none takes LLM_PROVIDER=openai with LLM_BASE_URL)", p))
	case c.LLMBaseURL != "" && c.LLMModel == "" && p == ProviderOpenAI:
		v.add("LLM_MODEL", "be set with LLM_BASE_URL: name a model that the server offers")
	}
}

// maxDollars is the greatest LIMIT_DOLLARS_PER_MONTH.
const maxDollars = 1e9

func (v *validator) limits(c *Config) {
	for name, l := range map[string]struct{ n, most int64 }{
		"LIMIT_TASKS_PER_HOUR": {c.LimitTasksPerHour, 1e9}, "LIMIT_TASKS_PER_DAY": {c.LimitTasksPerDay, 1e9},
		"LIMIT_CONCURRENT_RUNS": {c.LimitConcurrentRuns, 1e6}, "LIMIT_OPEN_STREAMS": {c.LimitOpenStreams, 1e6},
		"LIMIT_PAGES_PER_MONTH": {c.LimitPagesPerMonth, 1e12}, "LIMIT_TOKENS_PER_MONTH": {c.LimitTokensPerMonth, 1e15},
	} {
		v.require(name, 0 <= l.n && l.n <= l.most)
	}
	usd := c.LimitDollarsPerMonth
	v.require("LIMIT_DOLLARS_PER_MONTH", usd == 0 || 0.01 <= usd && usd <= maxDollars)
}

func (v *validator) logging(c *Config) {
	levels := []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}
	v.require("LOG_LEVEL", slices.Contains(levels, c.LogLevel))
	v.require("LOG_TARGET", slices.Contains([]LogTarget{LogConsole, LogToFile, LogBoth}, c.LogTarget))
	v.require("METRICS_HOST", validHost(c.MetricsHost))
	v.require("METRICS_PORT", within(c.MetricsPort, 0, 65535) && (c.MetricsPort == 0 || c.MetricsPort != c.APIPort || c.MetricsHost != c.APIHost))
	v.require("LOG_FORMAT", slices.Contains([]LogFormat{LogText, LogJSON}, c.LogFormat))
}

func within[T int | int32 | time.Duration | Bytes](n, low, high T) bool {
	return low <= n && n <= high
}
