package sources

import (
	"strings"
	"testing"

	"legwork/internal/config"
)

func mustConfig(t *testing.T, environ ...string) config.Config {
	t.Helper()
	cfg, err := config.Load(environ, "")
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

// TestConfiguredEngines checks that an engine is used only if all its settings are present.
func TestConfiguredEngines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		env  []string
		want string
	}{
		{nil, "[duckduckgo bing library]"},
		{[]string{"SEARCH_CUSTOM_URL=http://10.0.0.7:8888", "GOOGLE_API_KEY=k", "GOOGLE_SEARCH_ENGINE_ID=x"}, "[duckduckgo bing google custom library]"},
		{[]string{"SEARCH_ENGINES=library,google"}, "[library]"},
	} {
		var names []string
		for _, e := range Configured(mustConfig(t, tt.env...)) {
			names = append(names, string(e))
		}
		if got := "[" + strings.Join(names, " ") + "]"; got != tt.want {
			t.Errorf("%v: %s", tt.env, got)
		}
	}
}
