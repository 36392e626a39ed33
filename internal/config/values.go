package config

// AuthMode says who may use the API.
type AuthMode string

// The modes of access control.
const (
	AuthRequired AuthMode = "required" // users who log in, and programs with an API key
	AuthOff      AuthMode = "off"      // everybody who can reach the port
)

// BrowserOff is the value of BROWSER with which pages are read over HTTP only, without Chromium.
const BrowserOff = "off"

// Provider names the program or service that writes the answers.
type Provider string

// The providers of this build.
const (
	ProviderAuto      Provider = "auto"      // the first one that is available
	ProviderOpenAI    Provider = "openai"    // OpenAI, and every server that speaks its protocol
	ProviderAnthropic Provider = "anthropic" // Anthropic
	ProviderGoogleAI  Provider = "googleai"  // Google AI (Gemini)
	ProviderReader    Provider = "reader"    // the built-in reader, no language model
)

// LogTarget says where log lines go.
type LogTarget string

// The log targets.
const (
	LogConsole LogTarget = "console" // standard error
	LogToFile  LogTarget = "file"    // LOG_FILE
	LogBoth    LogTarget = "both"
)

// LogFormat is the form of log lines.
type LogFormat string

// The log formats of log/slog.
const (
	LogText LogFormat = "text" // key=value
	LogJSON LogFormat = "json" // one JSON object per line
)
