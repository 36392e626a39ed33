package config

import (
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/unicode"
)

// TestListenAddresses opens real listeners, and checks which families of addresses reach them.
func TestListenAddresses(t *testing.T) {
	t.Parallel()
	if ln, err := net.Listen("tcp6", "[::1]:0"); err != nil {
		t.Skip("this machine has no IPv6: ", err)
	} else {
		require.NoError(t, ln.Close())
	}
	for _, c := range []struct {
		host   string
		v4, v6 bool
	}{{"0.0.0.0", true, false}, {"::", true, true}, {"[::]", true, true}, {"127.0.0.1", true, false}, {"::1", false, true}, {"[::1]", false, true}, {"::ffff:127.0.0.1", true, false}} {
		cfg := load(t, "API_HOST="+c.host, "API_PORT=0")
		ln, err := net.Listen(cfg.ListenNetwork(), cfg.ListenAddr())
		require.NoError(t, err, c.host)
		_, port, err := net.SplitHostPort(ln.Addr().String())
		require.NoError(t, err)
		for address, want := range map[string]bool{"127.0.0.1": c.v4, "::1": c.v6} {
			conn, err := net.Dial("tcp", net.JoinHostPort(address, port))
			require.Equal(t, want, err == nil, "API_HOST=%s reached at %s: %v", c.host, address, err)
			if err == nil {
				require.NoError(t, conn.Close())
			}
		}
		require.NoError(t, ln.Close())
	}
}

func TestLocalURL(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{"0.0.0.0": "http://127.0.0.1:8000", "::": "http://127.0.0.1:8000", "[::1]": "http://[::1]:8000",
		"192.0.2.7": "http://192.0.2.7:8000", "localhost": "http://localhost:8000"} {
		require.Equal(t, want, load(t, "API_HOST="+host).LocalURL())
	}
	require.Equal(t, []string{"::1", "a.example"}, load(t, "ALLOWED_HOSTS=[::1],A.example").AllowedHosts)
}

// TestDotenvEncodings checks files as editors and shells on Windows write them.
func TestDotenvEncodings(t *testing.T) {
	t.Parallel()
	const text = "# größe\r\nAPI_PORT=9000\r\nLLM_MODEL=m\r\n"
	for _, order := range []unicode.Endianness{unicode.LittleEndian, unicode.BigEndian} {
		encoded, err := unicode.UTF16(order, unicode.UseBOM).NewEncoder().String(text)
		require.NoError(t, err)
		cfg, err := Load(nil, dotenv(t, encoded))
		require.NoError(t, err)
		require.Equal(t, 9000, cfg.APIPort)
		require.Equal(t, "m", cfg.LLMModel)

		bare, err := unicode.UTF16(order, unicode.IgnoreBOM).NewEncoder().String(text)
		require.NoError(t, err)
		path := dotenv(t, bare)
		_, err = Load(nil, path)
		require.ErrorContains(t, err, "save it as UTF-8")
		require.ErrorContains(t, err, path)
	}
	_, err := Load(nil, dotenv(t, "\xff\xfe\x00\x00A\x00\x00\x00")) // UTF-32
	require.ErrorContains(t, err, "save it as UTF-8")
}

func TestEngineWarnings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		environ []string
		want    string // words of the only warning; empty: there is none
	}{
		{nil, ""},
		{[]string{"SEARCH_ENGINES=google,library"}, "SEARCH_ENGINES names google"},
		{[]string{"SEARCH_ENGINES=google,library", "SEARCH_FALLBACK=google"}, "SEARCH_ENGINES and SEARCH_FALLBACK name google"},
		{[]string{"SEARCH_ENGINES=google,library", "GOOGLE_API_KEY=k", "GOOGLE_SEARCH_ENGINE_ID=i"}, ""},
		{[]string{"SEARCH_ENGINES=custom"}, "without SEARCH_CUSTOM_URL"},
		{[]string{"SEARCH_ENGINES=custom", "SEARCH_CUSTOM_URL=http://127.0.0.1:1"}, ""},
		{[]string{"SEARCH_ENGINES=library", "SEARCH_CUSTOM_URL=http://127.0.0.1:1"}, "SEARCH_CUSTOM_URL has no effect"},
		{[]string{"SEARCH_ENGINES=library", "GOOGLE_API_KEY=k", "GOOGLE_SEARCH_ENGINE_ID=i"}, "GOOGLE_API_KEY has no effect"},
	} {
		got := load(t, append([]string{"LEGWORK_HOME=/srv/legwork"}, c.environ...)...).Warnings()
		if c.want == "" {
			require.Empty(t, got, c.environ)
			continue
		}
		require.Len(t, got, 1, c.environ)
		require.Contains(t, strings.Join(got, ""), c.want)
	}
}
