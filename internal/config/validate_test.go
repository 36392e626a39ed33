package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// problems loads a configuration that must be refused, and returns its problems.
func problems(t *testing.T, environ ...string) []Problem {
	t.Helper()
	_, err := Load(environ, "")
	bad, ok := errors.AsType[*Error](err)
	require.True(t, ok, "want an *Error, got %v", err)
	return bad.Problems
}

// TestWrongValues sets one variable at a time to wrong values. Exactly this variable must be reported, with its value
// and what is allowed.
func TestWrongValues(t *testing.T) {
	t.Parallel()
	const origins = "origins like https://example.org"
	for variable, tc := range map[string]struct {
		must   string
		values []string
	}{
		"API_HOST":                 {"an IP address or a host name", []string{"http://localhost", "localhost:8000", "[::1]:80", "1.2.3.4.5", "300.1.1.1", "a b", "-a", "a..b", strings.Repeat("a", 254)}},
		"API_PORT":                 {"0..65535", []string{"-1", "65536", "http", "80.5", "0x50", "99999999999"}},
		"ALLOWED_HOSTS":            {"list of host names", []string{"http://a", "a:80", "a/b", "*.a", "ok, no/thing"}},
		"CORS_ORIGINS":             {origins, []string{"localhost:3000", "http://", "ftp://a", "http://a/", "http://a/b", "http://a?b", "http://u:p@a", "http://a:0", "http://a:99999", "http://a:", "null", "http://*.a", "http://ok,nonsense", ","}},
		"RATE_REQUESTS_PER_SECOND": {"0..100000", []string{"-1", "100001", "x"}},
		"TRUSTED_PROXIES":          {"networks like", []string{"proxy", "10.0.0.0/33", "::ffff:10.0.0.1"}},
		"TRUSTED_PROXY_HEADER":     {"X-Forwarded-For or Forwarded", []string{"X-Real-IP", "x"}},
		"TLS_CERT_FILE":            {"together with TLS_KEY_FILE", []string{"cert.pem"}},
		"TLS_ACME_DOMAINS":         {"list of host names", []string{"localhost", "127.0.0.1", "a.example.", "https://a.example", "*.a.example"}},
		"TLS_ACME_EMAIL":           {"an e-mail address", []string{"ops", "a b@c"}},
		"TLS_ACME_CA":              {"an https URL", []string{"http://ca.example/dir", "ca.example"}},
		"AUTH_MODE":                {"be required or off", []string{"on", "token"}},
		"LEGWORK_BOOTSTRAP_KEY":    {"be an API key", []string{"lw_x", "secret", "lw_0123456789abcdef_" + strings.Repeat("A", 42), "lw_0123456789abcdef_" + strings.Repeat("A", 42) + "B", "lw_0123456789ABCDEF_" + strings.Repeat("A", 43)}},
		"AUTH_ALLOW_INSECURE":      {"be on or off", []string{"perhaps", "2"}},
		"DATABASE_URL":             {"embedded PostgreSQL", []string{"mysql://localhost/x", "localhost:5432", "postgres", "http://a"}},
		"DATABASE_DIRECT_URL":      {"together with DATABASE_URL", []string{"mysql://localhost/x", "postgres://localhost/x"}},
		"DATABASE_REPLICA_URL":     {"together with DATABASE_URL", []string{"mysql://localhost/x", "postgres://localhost/x"}},
		"STREAM_POLL_ONLY":         {"be on or off", []string{"perhaps"}},
		"LEGWORK_SECRET_KEY":       {"at least 32 characters", []string{"short", strings.Repeat("a", 31), strings.Repeat("a", 32) + ", b"}},
		"DATABASE_MAX_CONNS":       {"4..1000", []string{"3", "1001", "many", "4294967296"}},
		"ARTIFACT_DIR":             {"a bucket as s3://NAME", []string{"s3://", "s3://u:p@bucket", "s3://bucket/folder", "gs://bucket", "https://bucket.s3.amazonaws.com"}},
		"LEGWORK_PG_MIRROR":        {"http or https", []string{"repo.example", "ftp://repo.example", "https://", "https://u:p@repo.example", "https://repo.example:0"}},
		"MAX_CONCURRENT_TASKS":     {"1..1000", []string{"0", "-1", "1001", "five"}},
		"MAX_QUEUED_TASKS":         {"0..1000000", []string{"-1", "1000001", "many"}},
		"RETENTION_DAYS":           {"0..36500", []string{"-1", "36501", "30d"}},
		"TASK_TIMEOUT":             {"24h", []string{"25h", "soon", "-900", "1e400"}},
		"TASK_DEFAULT_TIME_BUDGET": {"whole seconds", []string{"0", "45.5", "a", "5 minutes"}},
		"TASK_MIN_TIME_BUDGET":     {"whole seconds", []string{"0", "1.5s", "-1", "b"}},
		"DEEP_AT_ONCE":             {"1..12", []string{"0", "13", "x"}},
		"DEEP_TIMEOUT":             {"1m..168h", []string{"59", "169h", "x"}},
		"DEEP_PLAN_TIMEOUT":        {"1m..720h", []string{"0", "721h", "x"}},
		"TASK_MAX_TIME_BUDGET":     {"whole seconds", []string{"0", "600.5", "90000", "c"}},
		"LEASE_TTL":                {"1s..10m", []string{"0.9", "11m", "6 s"}},
		"SHUTDOWN_TIMEOUT":         {"1s..10m", []string{"0", "601", "x"}},
		"RATE_LIMIT_REQUESTS":      {"1..100000", []string{"0", "100001", "x"}},
		"RATE_LIMIT_WINDOW":        {"1s..24h", []string{"0", "25h", "x"}},
		"REQUEST_DELAY_MIN":        {"0..5m", []string{"-1s", "301", "x"}},
		"REQUEST_DELAY_MAX":        {"0..5m", []string{"-1", "6m", "x"}},
		"FETCH_ALLOW_NETS":         {"127.0.0.0/8", []string{"localhost", "10.0.0.0/33", "10.0.0", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1", "fe80::1%eth0", "127.0.0.1,x"}},
		"FETCH_TIMEOUT":            {"1s..5m", []string{"0.5", "6m", "x"}},
		"BROWSER":                  {"off", []string{"ftp://x", "ws://", "http://user:secret@x:9222"}},
		"BROWSER_PROXY":            {"host:port", []string{"legwork", ":0", "legwork:0", "http://legwork:3129"}},
		"FETCH_MAX_BYTES":          {"1KiB..1GiB", []string{"1023", "2GiB", "10 megabytes", "-1", "1e30", "x"}},
		"FETCH_USER_AGENT":         {"printable ASCII", []string{"a\nX-Evil: 1", "légwork", strings.Repeat("a", 257)}},
		"FETCH_CONTACT_URL":        {"mailto", []string{"me@example.org", "mailto:me", "javascript:x", "https://u@h", "https://h/a b"}},
		"PAGE_TTL":                 {"0..8760h", []string{"-1", "8761h", "x"}},
		"SEARCH_ENGINES":           {"duckduckgo, bing", []string{"altavista", "bing,yahoo", ",", "none"}},
		"SEARCH_FALLBACK":          {"duckduckgo, bing", []string{"altavista", "Bing", ","}},
		"SEARCH_CUSTOM_URL":        {"http or https", []string{"searx.example", "ftp://a", "http://u:p@a"}},
		"GOOGLE_API_KEY":           {"printable ASCII", []string{"a b", "schlüssel"}},
		"GOOGLE_SEARCH_ENGINE_ID":  {"printable ASCII", []string{"a b"}},
		"LLM_PROVIDER":             {"auto, openai", []string{"ollama", "gpt"}},
		"LLM_BASE_URL":             {"http or https", []string{"127.0.0.1:11434", "ftp://a", "http://u:p@a", "http://:1"}},
		"LLM_API_KEY":              {"printable ASCII", []string{"a b", "schlüssel"}},
		"LLM_MODEL":                {"printable ASCII", []string{"a b", "modèle"}},
		"LLM_TIMEOUT":              {"1s..30m", []string{"0", "31m", "x"}},
		"LLM_MAX_CONCURRENT":       {"1..1000", []string{"0", "1001", "x"}},
		"LLM_IDLE_TIMEOUT":         {"1s..30m", []string{"0", "31m", "x"}},
		"MODEL_PRICES":             {"a list like", []string{"x", "x=", "x=1", "x=1/", "=1/2", "x=1/y", "x=-1/2", "x=1/1e9", "x=NaN/1", "x=1/2/3/4", "x=1/2/", "x=1//2"}},
		"LLM_CONTEXT_TOKENS":       {"2048..", []string{"1", "2047", "10000001", "x"}},
		"VERIFY_SUPPORT":           {"on or off", []string{"maybe", "2"}},
		"TASK_MAX_TOKENS":          {"1000..", []string{"1", "-1", "999", "1000000001", "x"}},
		"LIMIT_TASKS_PER_HOUR":     {"0..1000000000", []string{"-1", "1000000001", "x"}},
		"LIMIT_TASKS_PER_DAY":      {"0..1000000000", []string{"-1", "1000000001", "x"}},
		"LIMIT_CONCURRENT_RUNS":    {"0..1000000", []string{"-1", "1000001", "x"}},
		"LIMIT_OPEN_STREAMS":       {"0..1000000", []string{"-1", "1000001", "x"}},
		"LIMIT_PAGES_PER_MONTH":    {"0..1000000000000", []string{"-1", "1000000000001", "x"}},
		"LIMIT_TOKENS_PER_MONTH":   {"0..1000000000000000", []string{"-1", "1000000000000001", "x"}},
		"LIMIT_DOLLARS_PER_MONTH":  {"0.01..", []string{"-1", "0.001", "1e10", "NaN", "Inf", "x"}},
		"LOG_LEVEL":                {"debug, info, warn or error", []string{"verbose", "info+2", "2"}},
		"LOG_TARGET":               {"console, file or both", []string{"syslog", "stdout"}},
		"LOG_FORMAT":               {"text or json", []string{"xml"}},
		"LEGWORK_API":              {"http or https URL", []string{"127.0.0.1:8000", "https://me:secret@example.org"}},
		"LEGWORK_API_KEY":          {"printable ASCII", []string{"a b", "schlüssel"}},
	} {
		for _, value := range tc.values {
			t.Run(variable+"="+value, func(t *testing.T) {
				t.Parallel()
				got := problems(t, variable+"="+value)
				require.Len(t, got, 1)
				require.Equal(t, variable, got[0].Variable)
				require.Equal(t, "environment", got[0].Source)
				require.Contains(t, got[0].Must, tc.must)
			})
		}
	}
}

func TestWhatAnErrorSays(t *testing.T) {
	t.Parallel()

	t.Run("all at once, in order, with where each came from", func(t *testing.T) {
		t.Parallel()
		path := dotenv(t, "MAX_CONCURRENT_TASKS=0\nAPI_PORT=1\n")
		_, err := Load([]string{"LOG_LEVEL=loud", "API_PORT=x"}, path)
		require.EqualError(t, err, `the configuration cannot be used; correct this and start again:
  API_PORT="x" (environment) must be a port number, 0..65535
  MAX_CONCURRENT_TASKS="0" (`+path+`) must be 1..1000
  LOG_LEVEL="loud" (environment) must be debug, info, warn or error`)
	})

	t.Run("a wildcard origin", func(t *testing.T) {
		t.Parallel()
		got := problems(t, "CORS_ORIGINS=http://localhost:3000,*")
		require.Len(t, got, 1)
		require.Contains(t, got[0].Must, "browsers refuse *")
	})

	t.Run("the wrong one of several origins is named", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, problems(t, "CORS_ORIGINS=http://ok,http://a/b")[0].Must, `"http://a/b" is not just scheme, host and port`)
	})

	t.Run("a model provider", func(t *testing.T) {
		t.Parallel()
		for _, provider := range []string{"openai", "anthropic", "googleai"} {
			got := problems(t, "LLM_PROVIDER="+provider)
			require.Len(t, got, 1)
			require.Equal(t, "LLM_API_KEY", got[0].Variable)
			require.Contains(t, got[0].Must, provider+" needs a key")
		}
		got := problems(t, "LLM_BASE_URL=http://127.0.0.1:8080/v1")
		require.Len(t, got, 1)
		require.Equal(t, "LLM_MODEL", got[0].Variable)
	})
}

func TestBoundsDependOnEachOther(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		environ []string
		want    string
	}{
		"a key without an id": {[]string{"GOOGLE_API_KEY=k"}, `GOOGLE_SEARCH_ENGINE_ID="" (default) must be set with GOOGLE_API_KEY: the id (cx) of a Programmable Search Engine`},
		"an id without a key": {[]string{"GOOGLE_SEARCH_ENGINE_ID=x"}, `GOOGLE_API_KEY= (default) must be set with GOOGLE_SEARCH_ENGINE_ID`},
		"default below min":   {[]string{"TASK_MIN_TIME_BUDGET=301"}, `TASK_DEFAULT_TIME_BUDGET="300" (default) must be at least TASK_MIN_TIME_BUDGET (5m1s)`},
		"default above max":   {[]string{"TASK_DEFAULT_TIME_BUDGET=601"}, `TASK_MAX_TIME_BUDGET="600" (default) must be at least TASK_DEFAULT_TIME_BUDGET (10m1s)`},
		"max below min":       {[]string{"TASK_MIN_TIME_BUDGET=700", "TASK_DEFAULT_TIME_BUDGET=700"}, `TASK_MAX_TIME_BUDGET="600" (default) must be at least TASK_MIN_TIME_BUDGET (11m40s)`},
		"timeout below max":   {[]string{"TASK_TIMEOUT=599"}, `TASK_TIMEOUT="599" (environment) must be at least TASK_MAX_TIME_BUDGET (10m0s)`},
		"delay turned around": {[]string{"REQUEST_DELAY_MIN=2"}, `REQUEST_DELAY_MAX="1.5s" (default) must be at least REQUEST_DELAY_MIN (2s)`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := problems(t, tc.environ...)
			require.Len(t, got, 1)
			require.Equal(t, tc.want, got[0].String())
		})
	}
	equal := load(t, "TASK_MIN_TIME_BUDGET=60", "TASK_DEFAULT_TIME_BUDGET=60", "TASK_MAX_TIME_BUDGET=60", "TASK_TIMEOUT=60",
		"REQUEST_DELAY_MIN=1", "REQUEST_DELAY_MAX=1")
	require.Equal(t, equal.TaskMinTimeBudget, equal.TaskTimeout)
}
