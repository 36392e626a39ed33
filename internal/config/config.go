// Package config reads the environment into one validated struct.
//
// Invariants:
//
//   - Load reads only its arguments. No other package of legwork reads environment variables, and there is no global
//     configuration.
//   - A Config that Load returns is valid. An error lists all wrong variables at once, each with its value, where the value
//     came from, and what is allowed.
//   - An empty value means the default. So an unset variable and `NAME=` are the same.
//   - Secrets have types of their own ([Secret], [DSN]). No formatting verb, JSON encoder or log handler prints their value.
//   - .env.example is generated from the fields, tags and comments of [Config]. A test compares them.
package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Config is the whole configuration of a process. The comment of a field is the documentation of its variable;
// it is copied to .env.example. The tag `must` completes the sentence "NAME must …" of an error; a path has no
// such tag, because any path is valid. The tag `section` starts a group of variables in .env.example.
type Config struct {
	// Address to listen on. 0.0.0.0 is every IPv4 interface and no IPv6 one, :: every interface of both. An IPv6 address may
	// have brackets, as in [::1].
	APIHost string `env:"API_HOST" envDefault:"0.0.0.0" must:"be an IP address or a host name, without scheme or port" section:"HTTP API"`
	// Port to listen on. 0 means a free port, which the log shows.
	APIPort int `env:"API_PORT" envDefault:"8000" must:"be a port number, 0..65535"`
	// Origins (comma separated) whose pages may call the API and open its streams from a browser, with credentials.
	CORSOrigins []string `env:"CORS_ORIGINS" envDefault:"http://localhost:3000" must:"be a comma separated list of origins like https://example.org or http://localhost:3000, without path"`
	// Host names (comma separated, without port) by which clients may address the API, besides IP addresses, localhost, this
	// machine's name and API_HOST. Name those that a reverse proxy or a container network uses. Requests for other names get
	// 421, which stops DNS rebinding by foreign pages. * allows any name.
	AllowedHosts []string `env:"ALLOWED_HOSTS" must:"be a comma separated list of host names like research.example.org, without scheme and port, or *"`
	// Networks (comma separated CIDR or addresses) of the reverse proxies in front of legwork. Only they may name the client of a
	// request, for limits, access log and audit log. Empty: the client is the host that connects.
	TrustedProxies []netip.Prefix `env:"TRUSTED_PROXIES" must:"be a comma separated list of networks like 10.0.0.0/8 or addresses like 10.1.2.3"`
	// Header in which these proxies name the client. All of them must set it. Other headers are ignored.
	TrustedProxyHeader string `env:"TRUSTED_PROXY_HEADER" envDefault:"X-Forwarded-For" must:"be X-Forwarded-For or Forwarded"`
	// Requests per second that one process takes from one client address, and by one API key, on average over ten seconds. Further ones get
	// 429. Probes of /health are not counted. 0: any number.
	RateRequestsPerSecond int `env:"RATE_REQUESTS_PER_SECOND" envDefault:"100" must:"be 0..100000"`
	// Certificate (PEM, with its chain) with which the API speaks TLS. It is read again when it changes. Empty: no TLS.
	TLSCertFile string `env:"TLS_CERT_FILE" must:"be set together with TLS_KEY_FILE, and without TLS_ACME_DOMAINS"`
	// Key (PEM) of that certificate.
	TLSKeyFile string `env:"TLS_KEY_FILE" must:"be set together with TLS_CERT_FILE"`
	// Host names (comma separated) of this server for which legwork gets certificates itself, by ACME. The ACME server must reach the
	// API at port 443 of these names. The certificates are kept in LEGWORK_HOME, so this is for one process.
	TLSACMEDomains []string `env:"TLS_ACME_DOMAINS" must:"be a comma separated list of host names like research.example.org"`
	// Address to which the ACME server may write about the certificates.
	TLSACMEEmail string `env:"TLS_ACME_EMAIL" must:"be an e-mail address"`
	// Directory URL of the ACME server. Empty: Let's Encrypt, whose terms of service you accept by setting TLS_ACME_DOMAINS.
	TLSACMECA string `env:"TLS_ACME_CA" must:"be an https URL"`
	// Who may use the API. required: users who log in and programs with an API key. off: everybody who can reach the port; then
	// API_HOST must be a loopback address, or AUTH_ALLOW_INSECURE must be on.
	AuthMode AuthMode `env:"AUTH_MODE" envDefault:"required" must:"be required or off"`
	// Whether legwork may listen on other addresses than loopback ones with AUTH_MODE=off, for instance in a container or behind a
	// proxy that checks access itself. Everybody who can reach the port may then read, ask and delete everything.
	AuthAllowInsecure Switch `env:"AUTH_ALLOW_INSECURE" envDefault:"off" must:"be on or off"`
	// An API key with every right in the account default, for automation: lw_<id>_<secret>, with an id of 16 lower case letters or
	// digits, and a secret of 32 random bytes in base64url (43 characters). Removing the variable does not end the key; revoke it.
	BootstrapKey Secret `env:"LEGWORK_BOOTSTRAP_KEY" must:"be an API key: lw_, 16 lower case letters or digits, _, and 43 characters of base64url"`

	// Address under which browsers reach this server, for links, redirects of logins and cookies. Set it behind a proxy.
	PublicURL string `env:"PUBLIC_URL" must:"be an http or https URL without path, query, user and password, such as https://research.example.org" section:"Logins (with AUTH_MODE=required)"`
	// Whether people may log in by password. off: they log in at the OpenID provider only.
	AuthPasswords Switch `env:"AUTH_PASSWORDS" envDefault:"on" must:"be on or off; off needs OIDC_ISSUER"`
	// Time without a request after which a browser must log in again.
	SessionIdle time.Duration `env:"SESSION_IDLE" envDefault:"12h" must:"be a duration, 5m..2160h"`
	// Time after a login at which a browser must log in again, even if it is in use.
	SessionLifetime time.Duration `env:"SESSION_LIFETIME" envDefault:"720h" must:"be a duration, 5m..8760h, not below SESSION_IDLE"`
	// OpenID Connect provider at which people may log in: its issuer URL, exactly as in its discovery document. Needs OIDC_CLIENT_ID
	// and PUBLIC_URL; register PUBLIC_URL/api/auth/openid/callback as redirect URI there.
	OIDCIssuer string `env:"OIDC_ISSUER" must:"be an https URL without user and password (http on loopback only)"`
	// Id of this server at the provider.
	OIDCClientID string `env:"OIDC_CLIENT_ID" must:"be printable ASCII without spaces, and set with OIDC_ISSUER"`
	// Secret of this server at the provider. Empty: it is registered as a public client (PKCE is used always).
	OIDCClientSecret Secret `env:"OIDC_CLIENT_SECRET" must:"be printable ASCII without spaces"`
	// Name of the provider on the login button.
	OIDCName string `env:"OIDC_NAME" envDefault:"OpenID" must:"have at most 60 characters"`
	// Scopes (comma separated) that this server requests from the provider.
	OIDCScopes []string `env:"OIDC_SCOPES" envDefault:"openid,email,profile" must:"be a comma separated list of scopes"`
	// Domains (comma separated) of verified e-mail addresses that may log in at the provider. Empty: any.
	OIDCAllowedDomains []string `env:"OIDC_ALLOWED_DOMAINS" must:"be a comma separated list of domains like example.org"`
	// Claim with a person's groups.
	OIDCGroupsClaim string `env:"OIDC_GROUPS_CLAIM" envDefault:"groups" must:"be printable ASCII without spaces"`
	// Roles of the groups of the provider, as role=group, separated by commas. A person gets the role of the first entry
	// of this list whose group the person is in. The role is set again at each login.
	OIDCRoles []string `env:"OIDC_ROLES" must:"be a list like admin=legwork-admins,member=staff with the roles owner, admin, member, viewer"`
	// Role of people in none of these groups. none: only users and invited people may log in.
	OIDCDefaultRole string `env:"OIDC_DEFAULT_ROLE" envDefault:"none" must:"be none, viewer, member or admin"`
	// Whether a person who logs in at the provider is the existing user with the same verified e-mail address.
	OIDCLinkByEmail Switch `env:"OIDC_LINK_BY_EMAIL" envDefault:"off" must:"be on or off"`
	// Key set (JWKS) of an issuer whose access tokens (JWT) programs may send as Authorization: Bearer. Needs AUTH_JWT_ISSUER and
	// AUTH_JWT_AUDIENCE. The claim scope (or scp) must name scopes of this server, as in tasks:read.
	AuthJWKSURL string `env:"AUTH_JWKS_URL" must:"be an https URL without user and password (http on loopback only)"`
	// Issuer of these tokens (claim iss).
	AuthJWTIssuer string `env:"AUTH_JWT_ISSUER" must:"be set with AUTH_JWKS_URL"`
	// Name of this server in these tokens (claim aud).
	AuthJWTAudience string `env:"AUTH_JWT_AUDIENCE" must:"be set with AUTH_JWKS_URL"`
	// Claim with the account that a token acts in. A token without it acts in the default account.
	AuthJWTAccountClaim string `env:"AUTH_JWT_ACCOUNT_CLAIM" envDefault:"account" must:"be printable ASCII without spaces"`

	// PostgreSQL to use: postgres://user:password@host:5432/name or key=value form. With several hosts, as in
	// postgres://user:password@a:5432,b:5432/name?target_session_attrs=read-write, the primary among them is used. Empty: legwork starts
	// its own PostgreSQL, with its data in LEGWORK_HOME.
	DatabaseURL DSN `env:"DATABASE_URL" must:"be a postgres:// or postgresql:// URL or a key=value connection string; leave it empty to use the embedded PostgreSQL" section:"Storage"`
	// The same database without the pooler that DATABASE_URL leads to, such as PgBouncer in transaction mode. Migrations and LISTEN
	// use it. If the pooler gives each client a session of its own, it is the value of DATABASE_URL. Empty: with a pooler, processes
	// poll for new events and tasks, and migrations go through the pooler.
	DatabaseDirectURL DSN `env:"DATABASE_DIRECT_URL" must:"be a postgres:// or postgresql:// URL or a key=value connection string, and set together with DATABASE_URL"`
	// A standby of the database (streaming replication). Lists of tasks are read from it, if it has all that was committed before the request.
	DatabaseReplicaURL DSN `env:"DATABASE_REPLICA_URL" must:"be a postgres:// or postgresql:// URL or a key=value connection string, and set together with DATABASE_URL"`
	// Whether no process connection may LISTEN, for servers without it. Events of other processes then arrive a quarter of a second later,
	// and the texts of answers of other processes appear only when they are complete.
	StreamPollOnly Switch `env:"STREAM_POLL_ONLY" envDefault:"off" must:"be on or off"`
	// Database connections one process may hold at most, besides four for notifications, heartbeat and pings. The server needs room for
	// all processes together.
	DatabaseMaxConns int32 `env:"DATABASE_MAX_CONNS" envDefault:"20" must:"be 4..1000"`
	// Keys (comma or white space between them) with which secrets in the database are encrypted, each of at least 32 characters: openssl
	// rand -base64 32. All processes need the same. The first one encrypts, all decrypt; docs/security.md says how to replace one.
	SecretKey Secret `env:"LEGWORK_SECRET_KEY" must:"be keys of at least 32 characters each (openssl rand -base64 32)"`
	// File with these keys instead, which is read at the start.
	SecretKeyFile string `env:"LEGWORK_SECRET_KEY_FILE" must:"not be set together with LEGWORK_SECRET_KEY"`
	// Folder for all files of legwork. Empty: legwork in $XDG_DATA_HOME, or else ~/.local/share/legwork; but .legwork in the folder in
	// which legwork is started, where earlier versions kept them, if it is there. A relative path starts at that folder.
	Home string `env:"LEGWORK_HOME"`
	// Folder for result files and screenshots; all processes must see the same one. On several machines it is a bucket:
	// s3://NAME?region=REGION&prefix=FOLDER/, with endpoint=URL for a server that merely speaks S3, and the usual AWS_*
	// credentials in the environment of the process. Empty: artifacts in LEGWORK_HOME.
	ArtifactDir string `env:"ARTIFACT_DIR" must:"be a folder, or a bucket as s3://NAME with options in its query, without user and password"`
	// Folder with initdb and postgres for the embedded PostgreSQL. Empty: look in the usual places, else download once.
	PGBin string `env:"LEGWORK_PG_BIN"`
	// Maven repository to download the embedded PostgreSQL from. Empty: Maven Central.
	PGMirror string `env:"LEGWORK_PG_MIRROR" must:"be an http or https URL, without user and password"`

	// Tasks that one process runs at the same time. Further ones wait.
	MaxConcurrentTasks int `env:"MAX_CONCURRENT_TASKS" envDefault:"5" must:"be 1..1000" section:"Tasks (durations: seconds, or with a unit: 90s, 15m)"`
	// Tasks that may wait for a worker, in all. Further submissions are refused with 503 until some have started. 0: any number.
	MaxQueuedTasks int `env:"MAX_QUEUED_TASKS" envDefault:"1000" must:"be 0..1000000"`
	// Hard limit on the running time of a task, all its runs together. A task that exceeds it fails. The time budgets below
	// end research earlier, with an answer.
	TaskTimeout time.Duration `env:"TASK_TIMEOUT" envDefault:"900" must:"be a duration of at most 24h"`
	// Research time of a task whose request names none.
	TaskDefaultTimeBudget time.Duration `env:"TASK_DEFAULT_TIME_BUDGET" envDefault:"300" must:"be whole seconds, 1..86400"`
	// Shortest research time a task may ask for.
	TaskMinTimeBudget time.Duration `env:"TASK_MIN_TIME_BUDGET" envDefault:"30" must:"be whole seconds, 1..86400"`
	// Longest research time a task may ask for.
	TaskMaxTimeBudget time.Duration `env:"TASK_MAX_TIME_BUDGET" envDefault:"600" must:"be whole seconds, 1..86400"`
	// Sub-questions of one deep task that are researched at the same time.
	DeepAtOnce int `env:"DEEP_AT_ONCE" envDefault:"4" must:"be 1..12"`
	// Longest time that a deep task waits for the sub-questions of one plan. Those that have not ended by then fail, and are named as gaps.
	DeepTimeout time.Duration `env:"DEEP_TIMEOUT" envDefault:"1h" must:"be a duration, 1m..168h"`
	// Longest time that a deep task waits for its plan to be confirmed. After it the task fails.
	DeepPlanTimeout time.Duration `env:"DEEP_PLAN_TIMEOUT" envDefault:"24h" must:"be a duration, 1m..720h"`
	// Days after which a finished task is removed with its events, visits and files. 0 keeps tasks for ever.
	RetentionDays int `env:"RETENTION_DAYS" envDefault:"30" must:"be 0..36500"`
	// Time without a heartbeat after which a worker counts as dead and its tasks are given to other workers.
	LeaseTTL time.Duration `env:"LEASE_TTL" envDefault:"6s" must:"be a duration, 1s..10m"`
	// Time that running requests and tasks get to stop cleanly after SIGTERM.
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"20s" must:"be a duration, 1s..10m"`

	// Pages that may be requested from one domain within RATE_LIMIT_WINDOW, by all processes together.
	RateLimitRequests int `env:"RATE_LIMIT_REQUESTS" envDefault:"30" must:"be 1..100000" section:"Fetching"`
	// The window of RATE_LIMIT_REQUESTS.
	RateLimitWindow time.Duration `env:"RATE_LIMIT_WINDOW" envDefault:"60s" must:"be a duration, 1s..24h"`
	// Shortest pause between two requests to one domain. Each pause is a random time between the two bounds.
	RequestDelayMin time.Duration `env:"REQUEST_DELAY_MIN" envDefault:"0.5s" must:"be a duration, 0..5m"`
	// Longest pause between two requests to one domain.
	RequestDelayMax time.Duration `env:"REQUEST_DELAY_MAX" envDefault:"1.5s" must:"be a duration, 0..5m"`
	// Networks (comma separated CIDR or addresses) that may be fetched although they are private or loopback.
	FetchAllowNets []netip.Prefix `env:"FETCH_ALLOW_NETS" must:"be a comma separated list of networks like 127.0.0.0/8 or addresses like 10.1.2.3"`
	// Time limit of one page load, redirects included.
	FetchTimeout time.Duration `env:"FETCH_TIMEOUT" envDefault:"20s" must:"be a duration, 1s..5m"`
	// Largest document that is read, in bytes or with a binary unit (512KiB, 10MiB).
	FetchMaxBytes Bytes `env:"FETCH_MAX_BYTES" envDefault:"10MiB" must:"be a size, 1KiB..1GiB"`
	// File of domains that may be opened, one pattern a line. example.com includes its subdomains, *.example.com means the
	// subdomains only, an asterisk elsewhere matches any characters, and # starts a comment. The file is read again when it
	// changes. Without entries every domain may be opened. The file must exist, unless it is the default one. Empty:
	// config/allowed-domains.txt in the folder in which legwork is started, if it is there, or else allowed-domains.txt in LEGWORK_HOME.
	AllowedDomainsFile string `env:"ALLOWED_DOMAINS_FILE"`
	// File of domains that are never opened, whatever a task allows, in the same form. Empty: disallowed-domains.txt in the same places.
	DisallowedDomainsFile string `env:"DISALLOWED_DOMAINS_FILE"`
	// Chromium for pages that run scripts and for screenshots. auto: the headless shell or Chromium that is installed.
	// Otherwise its path, or the ws:// or http:// address of a running one. off: pages are read over HTTP only.
	Browser string `env:"BROWSER" envDefault:"auto" must:"be auto, off, the name or path of a Chromium, or the ws:// or http:// address of one that runs"`
	// host:port at which a Chromium on another machine reaches this process, because legwork is its proxy to the web. Each
	// process needs its own. With :port, the host is this machine's address on the way to that Chromium, as it is needed where
	// many workers have the same settings. Empty: a free port that only this machine can reach.
	BrowserProxy string `env:"BROWSER_PROXY" must:"be host:port or :port"`
	// User-Agent sent to sites. Empty: legwork/VERSION with FETCH_CONTACT_URL when that is set.
	FetchUserAgent string `env:"FETCH_USER_AGENT" must:"be printable ASCII of at most 256 characters"`
	// Page or mailto: address that tells site owners who sends these requests. Set it when you fetch from the public web.
	FetchContactURL string `env:"FETCH_CONTACT_URL" must:"be an http or https URL without user and password, or a mailto URL"`

	// How long the stored text of a page is used again when another task of the same account opens the page.
	// After that time, or when a task says fresh, the page is requested again. 0: always request.
	PageTTL time.Duration `env:"PAGE_TTL" envDefault:"1h" must:"be a duration, 0..8760h"`

	// Search engines (comma separated) that tasks may use. The others are treated as not configured. library is the pages that were
	// read before: a task that asks it sends no question to the internet.
	SearchEngines []string `env:"SEARCH_ENGINES" envDefault:"duckduckgo,bing,google,custom,library" must:"be a comma separated list of duckduckgo, bing, google, custom and library" section:"Search"`
	// Engines that replace one that is not configured, fails or finds nothing. They are asked in this order. None replaces library.
	SearchFallback []string `env:"SEARCH_FALLBACK" envDefault:"custom,duckduckgo,library" must:"be a comma separated list of duckduckgo, bing, google, custom and library"`
	// Address of a SearXNG server for the engine custom. Its settings must allow the format json. It may be on a private network.
	SearchCustomURL string `env:"SEARCH_CUSTOM_URL" must:"be an http or https URL, without user and password"`
	// Key for Google's Programmable Search JSON API: the engine google, together with GOOGLE_SEARCH_ENGINE_ID.
	GoogleAPIKey Secret `env:"GOOGLE_API_KEY" must:"be printable ASCII without spaces"`
	// Id (cx) of the Programmable Search Engine that the key is used with.
	GoogleSearchEngineID string `env:"GOOGLE_SEARCH_ENGINE_ID" must:"be printable ASCII without spaces"`

	// What writes the answers. openai is any server that speaks OpenAI's protocol at LLM_BASE_URL (Ollama's
	// address ends in /v1). reader is the built-in reader, which needs no model. auto takes the first of these:
	// the provider that LLM_API_KEY or LLM_BASE_URL belongs to, an Ollama on this machine, the reader.
	LLMProvider Provider `env:"LLM_PROVIDER" envDefault:"auto" must:"be auto, openai, anthropic, googleai or reader" section:"Language model (the built-in reader needs none)"`
	// Base URL of the provider's API, for compatible servers. Empty: the provider's own.
	LLMBaseURL string `env:"LLM_BASE_URL" must:"be an http or https URL, without user and password"`
	// Key for the provider's API. Servers of your own may need none.
	LLMAPIKey Secret `env:"LLM_API_KEY" must:"be printable ASCII without spaces"`
	// Model name as the provider spells it; needed with LLM_BASE_URL. Empty: the provider's default, or the local Ollama's first.
	LLMModel string `env:"LLM_MODEL" must:"be printable ASCII without spaces"`
	// Tokens that the model takes, input and output together. 0: known from the model's name or learnt from its errors. Set it
	// for an Ollama or llama.cpp that is started with a smaller context than the model could take.
	LLMContextTokens int `env:"LLM_CONTEXT_TOKENS" envDefault:"0" must:"be 0, or 2048..10000000"`
	// Time limit of one attempt to call the model.
	LLMTimeout time.Duration `env:"LLM_TIMEOUT" envDefault:"3m" must:"be a duration, 1s..30m"`
	// Longest time without a byte from the model during a reply, streamed or not. After it the attempt fails.
	LLMIdleTimeout time.Duration `env:"LLM_IDLE_TIMEOUT" envDefault:"1m" must:"be a duration, 1s..30m"`
	// Calls of the model that one process makes at the same time.
	LLMMaxConcurrent int `env:"LLM_MAX_CONCURRENT" envDefault:"4" must:"be 1..1000"`
	// Tokens, input and output together, after which a task's research ends and the answer is written. 0: no limit.
	TaskMaxTokens int64 `env:"TASK_MAX_TOKENS" envDefault:"400000" must:"be 0, or 1000..1000000000"`

	// Prices in US dollars per million tokens, as model=input/output separated by commas. * in a name matches any characters,
	// and the first match counts. A third number is the price of input tokens that the provider takes from its cache; without it
	// they cost as much as others. Tasks and steps show their cost, unless the model has no price.
	ModelPrices []Price `env:"MODEL_PRICES" must:"be a list like gpt-4o-mini=0.15/0.60/0.075,claude-*=3/15"`
	// Whether the model checks, after the answer, how far each quote supports the sentences that cite it. Sentences that their
	// quotes do not support are rewritten from them, or removed. This takes one more call, and up to two if there are such sentences.
	VerifySupport Switch `env:"VERIFY_SUPPORT" envDefault:"on" must:"be on or off"`

	// Tasks that an account may submit in an hour, by the clock in UTC. This and the limits below hold for every account that has none of
	// its own (PUT /api/limits). 0: any number.
	LimitTasksPerHour int64 `env:"LIMIT_TASKS_PER_HOUR" envDefault:"0" must:"be 0..1000000000" section:"Limits of accounts"`
	// Tasks that an account may submit in a day, in UTC. 0: any number.
	LimitTasksPerDay int64 `env:"LIMIT_TASKS_PER_DAY" envDefault:"0" must:"be 0..1000000000"`
	// Tasks of an account that run at the same time. Further ones wait. 0: any number.
	LimitConcurrentRuns int64 `env:"LIMIT_CONCURRENT_RUNS" envDefault:"0" must:"be 0..1000000"`
	// Streams that an account may have open at the same time. 0: any number.
	LimitOpenStreams int64 `env:"LIMIT_OPEN_STREAMS" envDefault:"0" must:"be 0..1000000"`
	// Pages that the tasks of an account may open in a calendar month, in UTC. 0: any number.
	LimitPagesPerMonth int64 `env:"LIMIT_PAGES_PER_MONTH" envDefault:"0" must:"be 0..1000000000000"`
	// Tokens of language models, input and output, that the tasks of an account may use in a calendar month. 0: any number.
	LimitTokensPerMonth int64 `env:"LIMIT_TOKENS_PER_MONTH" envDefault:"0" must:"be 0..1000000000000000"`
	// US dollars that the tasks of an account may cost in a calendar month, by MODEL_PRICES. A model without a price costs nothing. 0: any amount.
	LimitDollarsPerMonth float64 `env:"LIMIT_DOLLARS_PER_MONTH" envDefault:"0" must:"be 0, or 0.01..1000000000"`

	// Least severity that is logged.
	LogLevel slog.Level `env:"LOG_LEVEL" envDefault:"info" must:"be debug, info, warn or error" section:"Logs and metrics"`
	// Where log lines go: console is standard error.
	LogTarget LogTarget `env:"LOG_TARGET" envDefault:"console" must:"be console, file or both"`
	// Log file, rotated at 10 MB with five old ones kept. Each process needs its own; {host} in the path stands for this machine's
	// name, which differs in every container. Empty: legwork.log in LEGWORK_HOME.
	LogFile string `env:"LOG_FILE"`
	// Form of log lines.
	LogFormat LogFormat `env:"LOG_FORMAT" envDefault:"text" must:"be text or json"`
	// Port at which the process also serves its metrics to Prometheus, at /metrics, without access control. Workers have no other. 0: none;
	// the API serves them at its own port in any case, to keys with the scope metrics:read.
	MetricsPort int `env:"METRICS_PORT" envDefault:"0" must:"be a port number, 0..65535, other than API_PORT on the same address"`
	// Address of that port. Whoever reaches it reads how much the server works and what its models cost, but no texts.
	MetricsHost string `env:"METRICS_HOST" envDefault:"127.0.0.1" must:"be an IP address or a host name, without scheme or port"`

	// Server that legwork ask uses, as its flag --api does: http://127.0.0.1:8000. Empty: ask uses DATABASE_URL or the embedded PostgreSQL.
	ServerURL string `env:"LEGWORK_API" must:"be an http or https URL, without user and password" section:"Command line"`
	// API key with which legwork ask calls that server.
	ServerKey Secret `env:"LEGWORK_API_KEY" must:"be printable ASCII without spaces"`
}

// Load reads the configuration from environ (entries "NAME=value" as os.Environ returns them), and from the file dotenvPath for
// variables that environ lacks or has empty. A missing file is no error, and with an empty path no file is read. It returns an
// [*Error] with every wrong variable and every name that is probably a misspelt variable, or another error when the file cannot
// be read or parsed.
func Load(environ []string, dotenvPath string) (Config, error) {
	src, err := gather(environ, dotenvPath)
	if err != nil {
		return Config{}, err
	}
	var cfg Config
	v := validator{src: src}
	v.parseFailures(env.ParseWithOptions(&cfg, env.Options{Environment: src.values(), FuncMap: parsers()}))
	cfg.normalise()
	cfg.places(src.values())
	v.misspelt()
	v.validate(&cfg)
	if len(v.problems) > 0 {
		return Config{}, &Error{Problems: v.inFieldOrder()}
	}
	return cfg, nil
}

// normalise converts values to one spelling.
func (c *Config) normalise() {
	c.APIHost, c.MetricsHost = withoutBrackets(c.APIHost), withoutBrackets(c.MetricsHost)
	for i, host := range c.AllowedHosts {
		c.AllowedHosts[i] = withoutBrackets(strings.ToLower(host))
	}
	c.AuthMode = AuthMode(strings.ToLower(string(c.AuthMode)))
	if b := strings.ToLower(c.Browser); b == BrowserOff || b == "auto" {
		c.Browser = b
	}
	for _, known := range []string{"X-Forwarded-For", "Forwarded"} { // names of headers are case-insensitive
		if strings.EqualFold(c.TrustedProxyHeader, known) {
			c.TrustedProxyHeader = known
		}
	}
	c.LLMProvider = Provider(strings.ToLower(string(c.LLMProvider)))
	c.LogTarget = LogTarget(strings.ToLower(string(c.LogTarget)))
	c.LogFormat = LogFormat(strings.ToLower(string(c.LogFormat)))
}

// Setting is one variable with its present value. Secrets are masked.
type Setting struct {
	Variable string
	Value    string
}

// Redacted returns every variable in the order of .env.example. The values may be shown to anyone.
func (c Config) Redacted() []Setting {
	v := reflect.ValueOf(c)
	out := make([]Setting, 0, v.NumField())
	for i := range v.NumField() {
		name := variable(v.Type().Field(i))
		out = append(out, Setting{Variable: name, Value: show(v.Field(i).Interface())})
	}
	return out
}

// LogValue implements slog.LogValuer. It returns all settings as a group, with secrets masked.
func (c Config) LogValue() slog.Value {
	settings := c.Redacted()
	attrs := make([]slog.Attr, 0, len(settings))
	for _, s := range settings {
		attrs = append(attrs, slog.String(s.Variable, s.Value))
	}
	return slog.GroupValue(attrs...)
}

// variable returns the name of the environment variable of a field of Config.
func variable(f reflect.StructField) string {
	return f.Tag.Get("env")
}

// asErrors returns the separate errors in the error of env.ParseWithOptions.
func asErrors(err error) []error {
	if err == nil {
		return nil
	}
	if agg, ok := errors.AsType[env.AggregateError](err); ok {
		return agg.Errors
	}
	return []error{err}
}
