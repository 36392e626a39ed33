package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// load calls Load with variables of the form "NAME=value" and without an environment file.
func load(t *testing.T, environ ...string) Config {
	t.Helper()
	cfg, err := Load(environ, "")
	require.NoError(t, err)
	return cfg
}

// dotenv writes an environment file and returns its path.
func dotenv(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	require.Equal(t, Config{
		APIHost:               "0.0.0.0",
		APIPort:               8000,
		CORSOrigins:           []string{"http://localhost:3000"},
		AuthMode:              AuthRequired,
		TrustedProxyHeader:    "X-Forwarded-For",
		RateRequestsPerSecond: 100,
		AuthPasswords:         true,
		SessionIdle:           12 * time.Hour,
		SessionLifetime:       720 * time.Hour,
		OIDCName:              "OpenID",
		OIDCScopes:            []string{"openid", "email", "profile"},
		OIDCGroupsClaim:       "groups",
		OIDCDefaultRole:       NoRole,
		AuthJWTAccountClaim:   "account",
		DatabaseMaxConns:      20,
		Home:                  ".legwork",
		ArtifactDir:           filepath.Join(".legwork", "artifacts"),
		AllowedDomainsFile:    filepath.Join(".legwork", "allowed-domains.txt"),
		DisallowedDomainsFile: filepath.Join(".legwork", "disallowed-domains.txt"),
		MaxConcurrentTasks:    5,
		MaxQueuedTasks:        1000,
		RetentionDays:         30,
		TaskTimeout:           900 * time.Second,
		TaskDefaultTimeBudget: 300 * time.Second,
		TaskMinTimeBudget:     30 * time.Second,
		TaskMaxTimeBudget:     600 * time.Second,
		DeepAtOnce:            4,
		DeepTimeout:           time.Hour,
		DeepPlanTimeout:       24 * time.Hour,
		LeaseTTL:              6 * time.Second,
		ShutdownTimeout:       20 * time.Second,
		RateLimitRequests:     30,
		RateLimitWindow:       60 * time.Second,
		RequestDelayMin:       500 * time.Millisecond,
		RequestDelayMax:       1500 * time.Millisecond,
		FetchTimeout:          20 * time.Second,
		FetchMaxBytes:         10 << 20,
		Browser:               "auto",
		PageTTL:               time.Hour,
		SearchEngines:         []string{"duckduckgo", "bing", "google", "custom", "library"},
		SearchFallback:        []string{"custom", "duckduckgo", "library"},
		LLMProvider:           ProviderAuto,
		LLMTimeout:            3 * time.Minute,
		LLMIdleTimeout:        time.Minute,
		LLMMaxConcurrent:      4,
		TaskMaxTokens:         400_000,
		VerifySupport:         true,
		LogTarget:             LogConsole,
		LogFile:               filepath.Join(".legwork", "legwork.log"),
		LogFormat:             LogText,
		MetricsHost:           "127.0.0.1",
	}, load(t))
}

func TestEmptyMeansDefault(t *testing.T) {
	t.Parallel()
	var environ []string
	for _, s := range load(t).Redacted() {
		environ = append(environ, s.Variable+"=")
	}
	require.Equal(t, load(t), load(t, environ...))
}

func TestEveryVariableIsRead(t *testing.T) {
	t.Parallel()
	want := Config{
		APIHost:               "::1",
		APIPort:               0,
		CORSOrigins:           []string{"https://a.example", "http://[::1]:3000"},
		AllowedHosts:          []string{"research.example", "api", "*"},
		TrustedProxies:        []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::1/128")},
		TrustedProxyHeader:    "Forwarded",
		RateRequestsPerSecond: 7,
		AuthMode:              AuthOff,
		AuthAllowInsecure:     true,
		BootstrapKey:          Secret("lw_0123456789abcdef_" + strings.Repeat("A", 43)),
		PublicURL:             "https://research.example.org",
		AuthPasswords:         false,
		SessionIdle:           time.Hour,
		SessionLifetime:       24 * time.Hour,
		OIDCIssuer:            "https://id.example.org/realm",
		OIDCClientID:          "legwork",
		OIDCClientSecret:      "s3cret",
		OIDCName:              "Our login",
		OIDCScopes:            []string{"openid", "groups"},
		OIDCAllowedDomains:    []string{"example.org", "example.com"},
		OIDCGroupsClaim:       "roles",
		OIDCRoles:             []string{"admin=chiefs", "member=staff"},
		OIDCDefaultRole:       "viewer",
		OIDCLinkByEmail:       true,
		AuthJWKSURL:           "https://id.example.org/keys",
		AuthJWTIssuer:         "https://id.example.org",
		AuthJWTAudience:       "https://research.example.org",
		AuthJWTAccountClaim:   "tenant",
		DatabaseURL:           "postgresql://u:p@a:1,b:2/legwork",
		TLSCertFile:           "/srv/cert.pem",
		TLSKeyFile:            "/srv/key.pem",
		TLSACMEEmail:          "ops@a.example",
		TLSACMECA:             "https://ca.example/dir",
		DatabaseDirectURL:     "host=c password=p",
		DatabaseReplicaURL:    "host=d password=p",
		StreamPollOnly:        true,
		DatabaseMaxConns:      4,
		SecretKey:             Secret(strings.Repeat("a", 32) + "," + strings.Repeat("b", 32)),
		Home:                  "/srv/legwork",
		ArtifactDir:           "/srv/files",
		AllowedDomainsFile:    "config.go",
		DisallowedDomainsFile: "parse.go",
		PGBin:                 "/opt/pg/bin",
		PGMirror:              "http://mirror.example:8081/maven",
		MaxConcurrentTasks:    1000,
		MaxQueuedTasks:        17,
		RetentionDays:         365,
		TaskTimeout:           2 * time.Hour,
		TaskDefaultTimeBudget: 90 * time.Second,
		TaskMinTimeBudget:     time.Second,
		TaskMaxTimeBudget:     2 * time.Hour,
		DeepAtOnce:            12,
		DeepTimeout:           time.Minute,
		DeepPlanTimeout:       720 * time.Hour,
		LeaseTTL:              time.Second,
		ShutdownTimeout:       time.Second,
		RateLimitRequests:     1,
		RateLimitWindow:       time.Second,
		RequestDelayMin:       0,
		RequestDelayMax:       0,
		FetchAllowNets:        []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.1.2.3/32"), netip.MustParsePrefix("fd00::/8")},
		FetchTimeout:          1500 * time.Millisecond,
		FetchMaxBytes:         512 << 10,
		Browser:               "ws://chromium:9222",
		BrowserProxy:          "legwork:3129",
		FetchUserAgent:        "research-bot/2 (me@example.org)",
		FetchContactURL:       "mailto:me@example.org",
		PageTTL:               30 * time.Minute,
		SearchEngines:         []string{"library", "google"},
		SearchFallback:        []string{"google"},
		SearchCustomURL:       "http://10.0.0.7:8888/searx",
		GoogleAPIKey:          "AIza-1234",
		GoogleSearchEngineID:  "0123:abc",
		LLMProvider:           ProviderReader,
		LLMBaseURL:            "http://127.0.0.1:11434/v1",
		LLMAPIKey:             "sk-1234",
		LLMModel:              "qwen3:8b",
		LLMContextTokens:      8192,
		LLMTimeout:            45 * time.Second,
		LLMIdleTimeout:        20 * time.Second,
		ModelPrices:           []Price{{"gpt-4o-mini", 0.15, 0.6, 0.075}, {"a=b/claude-*", 3, 15, 3}},
		VerifySupport:         false,
		LLMMaxConcurrent:      2,
		TaskMaxTokens:         0,
		LogLevel:              -4,
		LimitTasksPerHour:     1,
		LimitTasksPerDay:      2,
		LimitConcurrentRuns:   3,
		LimitOpenStreams:      4,
		LimitPagesPerMonth:    5,
		LimitTokensPerMonth:   6,
		LimitDollarsPerMonth:  7.5,
		LogTarget:             LogBoth,
		LogFile:               "/var/log/legwork.log",
		LogFormat:             LogJSON,
		ServerURL:             "https://research.example.org",
		ServerKey:             "lw_key",
		MetricsPort:           9464,
		MetricsHost:           "::1",
	}
	environ := []string{
		"API_HOST=::1", "API_PORT=0", "CORS_ORIGINS=https://A.example:443, http://[::1]:3000,https://a.example,", "ALLOWED_HOSTS=Research.example, api,*", "TRUSTED_PROXIES=10.9.9.9/8, fd00::1", "TRUSTED_PROXY_HEADER=forwarded", "RATE_REQUESTS_PER_SECOND=7", "AUTH_MODE=OFF",
		"TLS_CERT_FILE=/srv/cert.pem", "TLS_KEY_FILE=/srv/key.pem", "TLS_ACME_DOMAINS=", "TLS_ACME_EMAIL=ops@a.example", "TLS_ACME_CA=https://ca.example/dir", // files exclude domains
		"AUTH_ALLOW_INSECURE=1", "LEGWORK_BOOTSTRAP_KEY=lw_0123456789abcdef_" + strings.Repeat("A", 43),
		"PUBLIC_URL=https://research.example.org/", "AUTH_PASSWORDS=off", "SESSION_IDLE=1h", "SESSION_LIFETIME=24h", "OIDC_ISSUER=https://id.example.org/realm",
		"OIDC_CLIENT_ID=legwork", "OIDC_CLIENT_SECRET=s3cret", "OIDC_NAME=Our login", "OIDC_SCOPES=openid,groups", "OIDC_ALLOWED_DOMAINS=Example.org,example.com",
		"OIDC_GROUPS_CLAIM=roles", "OIDC_ROLES=admin=chiefs, member=staff", "OIDC_DEFAULT_ROLE=Viewer", "OIDC_LINK_BY_EMAIL=on",
		"AUTH_JWKS_URL=https://id.example.org/keys", "AUTH_JWT_ISSUER=https://id.example.org", "AUTH_JWT_AUDIENCE=https://research.example.org", "AUTH_JWT_ACCOUNT_CLAIM=tenant",
		"DATABASE_URL=postgresql://u:p@a:1,b:2/legwork", "DATABASE_DIRECT_URL=host=c password=p", "DATABASE_REPLICA_URL=host=d password=p", "STREAM_POLL_ONLY=on", "DATABASE_MAX_CONNS=4", "LEGWORK_HOME=/srv/legwork", "ARTIFACT_DIR=/srv/files",
		"LEGWORK_SECRET_KEY=" + strings.Repeat("a", 32) + "," + strings.Repeat("b", 32), "LEGWORK_SECRET_KEY_FILE=", // the key excludes the file
		"ALLOWED_DOMAINS_FILE=config.go", "DISALLOWED_DOMAINS_FILE=parse.go",
		"LEGWORK_PG_BIN=/opt/pg/bin", "LEGWORK_PG_MIRROR=http://mirror.example:8081/maven", "MAX_CONCURRENT_TASKS=1000", "MAX_QUEUED_TASKS=17", "RETENTION_DAYS=365",
		"DEEP_AT_ONCE=12", "DEEP_TIMEOUT=1m", "DEEP_PLAN_TIMEOUT=720h", "TASK_TIMEOUT=2h", "TASK_DEFAULT_TIME_BUDGET=1m30s", "TASK_MIN_TIME_BUDGET=1", "TASK_MAX_TIME_BUDGET=7200",
		"LEASE_TTL=1s", "SHUTDOWN_TIMEOUT=1", "RATE_LIMIT_REQUESTS=1", "RATE_LIMIT_WINDOW=1",
		"REQUEST_DELAY_MIN=0", "REQUEST_DELAY_MAX=0s", "FETCH_ALLOW_NETS=127.1.2.3/8,10.1.2.3,fd00::/8", "FETCH_TIMEOUT=1.5",
		"FETCH_MAX_BYTES=512KiB", "BROWSER=ws://chromium:9222", "BROWSER_PROXY=legwork:3129", "FETCH_USER_AGENT=research-bot/2 (me@example.org)", "FETCH_CONTACT_URL=mailto:me@example.org",
		"PAGE_TTL=30m", "SEARCH_ENGINES=library, google", "SEARCH_FALLBACK=google", "SEARCH_CUSTOM_URL=http://10.0.0.7:8888/searx",
		"GOOGLE_API_KEY=AIza-1234", "GOOGLE_SEARCH_ENGINE_ID=0123:abc",
		"LLM_PROVIDER=Reader", "LLM_BASE_URL=http://127.0.0.1:11434/v1", "LLM_API_KEY=sk-1234", "LLM_MODEL=qwen3:8b",
		"LIMIT_TASKS_PER_HOUR=1", "LIMIT_TASKS_PER_DAY=2", "LIMIT_CONCURRENT_RUNS=3", "LIMIT_OPEN_STREAMS=4", "LIMIT_PAGES_PER_MONTH=5", "LIMIT_TOKENS_PER_MONTH=6", "LIMIT_DOLLARS_PER_MONTH=7.5",
		"LLM_TIMEOUT=45", "LLM_MAX_CONCURRENT=2", "TASK_MAX_TOKENS=0",
		"LLM_IDLE_TIMEOUT=20", "MODEL_PRICES= gpt-4o-mini=0.15/0.60/0.075, a=b/claude-*=3/15,", "VERIFY_SUPPORT=Off", "LLM_CONTEXT_TOKENS=8192",
		"LOG_LEVEL=DEBUG", "LOG_TARGET=both", "LOG_FILE=/var/log/legwork.log", "LOG_FORMAT=json", "LEGWORK_API=https://research.example.org", "LEGWORK_API_KEY=lw_key", "METRICS_PORT=9464", "METRICS_HOST=[::1]",
	}
	require.Equal(t, want, load(t, environ...))
	require.Len(t, environ, len(want.Redacted()), "every variable is in this test")

	t.Run("from the file", func(t *testing.T) {
		t.Parallel()
		text := ""
		for _, e := range environ {
			text += e + "\n"
		}
		got, err := Load(nil, dotenv(t, text))
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

func TestDotenv(t *testing.T) {
	t.Parallel()

	t.Run("the environment wins, an empty variable does not", func(t *testing.T) {
		t.Parallel()
		path := dotenv(t, "API_PORT=9000\nMAX_CONCURRENT_TASKS=7 # seven\nexport LLM_MODEL='a$b'\n")
		cfg, err := Load([]string{"API_PORT=9001", "MAX_CONCURRENT_TASKS="}, path)
		require.NoError(t, err)
		require.Equal(t, 9001, cfg.APIPort)
		require.Equal(t, 7, cfg.MaxConcurrentTasks)
		require.Equal(t, "a$b", cfg.LLMModel)
	})

	t.Run("a missing file is none", func(t *testing.T) {
		t.Parallel()
		cfg, err := Load(nil, filepath.Join(t.TempDir(), ".env"))
		require.NoError(t, err)
		require.Equal(t, load(t), cfg)
	})

	t.Run("white space and a byte order mark", func(t *testing.T) {
		t.Parallel()
		cfg, err := Load([]string{"LOG_LEVEL= warn "}, dotenv(t, "\xef\xbb\xbfAPI_PORT=\" 9000 \"\r\n"))
		require.NoError(t, err)
		require.Equal(t, 9000, cfg.APIPort)
		require.Equal(t, "WARN", cfg.LogLevel.String())
	})

	t.Run("a folder in its place", func(t *testing.T) {
		t.Parallel()
		_, err := Load(nil, t.TempDir())
		require.ErrorContains(t, err, "cannot read the environment file")
	})

	for name, tc := range map[string]struct{ text, want string }{
		"no assignment":   {"# fine\nAPI_PORT=1\nsk secret\n", "line 3 is neither NAME=value nor a comment"},
		"unclosed quote":  {"LLM_API_KEY=\"secret\n", "a quoted value is not closed"},
		"strange names":   {"API-PORT=secret\n", "line 1 is neither"},
		"half a variable": {"API_PORT\nLLM_API_KEY=secret\n", "line 1 is neither"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := dotenv(t, tc.text)
			_, err := Load(nil, path)
			require.ErrorContains(t, err, tc.want)
			require.ErrorContains(t, err, path)
			require.NotContains(t, err.Error(), "secret")
		})
	}
}

func TestDerived(t *testing.T) {
	t.Parallel()
	require.Equal(t, "0.0.0.0:8000", load(t).ListenAddr())
	require.Equal(t, "[::]:8000", load(t, "API_HOST=::").ListenAddr())
	require.Equal(t, filepath.Join("/x", "artifacts"), load(t, "LEGWORK_HOME=/x").ArtifactDir)
	require.Equal(t, filepath.Join("/x", "legwork.log"), load(t, "LEGWORK_HOME=/x").LogFile)

	require.Equal(t, "legwork/1.2", load(t).UserAgent("1.2"))
	require.Equal(t, "legwork/1.2 (+https://example.org/bot)", load(t, "FETCH_CONTACT_URL=https://example.org/bot").UserAgent("1.2"))
	require.Equal(t, "mine/1", load(t, "FETCH_USER_AGENT=mine/1", "FETCH_CONTACT_URL=https://example.org/bot").UserAgent("1.2"))

	require.Empty(t, load(t, "HOME=/home/ann").Warnings())
	for _, set := range []string{"LLM_API_KEY=k", "LLM_MODEL=m", "LLM_BASE_URL=http://127.0.0.1:1"} {
		require.Len(t, load(t, set, "LLM_PROVIDER=reader", "HOME=/home/ann").Warnings(), 1, set)
	}
}

func TestProvider(t *testing.T) {
	t.Parallel()
	for want, environ := range map[Provider][]string{
		ProviderAuto:      {"LLM_MODEL=m"},
		ProviderReader:    {"LLM_PROVIDER=reader", "LLM_API_KEY=k"},
		ProviderAnthropic: {"LLM_API_KEY=sk-ant-1"},
		ProviderGoogleAI:  {"LLM_API_KEY=AIzaX"},
		ProviderOpenAI:    {"LLM_BASE_URL=http://127.0.0.1:8080/v1", "LLM_MODEL=m"},
	} {
		require.Equal(t, want, load(t, environ...).Provider(), environ)
	}
	require.Equal(t, ProviderOpenAI, load(t, "LLM_API_KEY=sk-1").Provider())
	require.Equal(t, ProviderOpenAI, load(t, "LLM_PROVIDER=openai", "LLM_API_KEY=sk-ant-1").Provider())
}

func TestRedactedIsLoadable(t *testing.T) {
	t.Parallel()
	cfg := load(t, "FETCH_ALLOW_NETS=127.0.0.0/8,::1", "CORS_ORIGINS=http://a,http://b", "FETCH_MAX_BYTES=1536KiB", "LOG_LEVEL=warn")
	var environ []string
	for _, s := range cfg.Redacted() {
		environ = append(environ, s.Variable+"="+s.Value)
	}
	require.Equal(t, cfg, load(t, environ...))
}
