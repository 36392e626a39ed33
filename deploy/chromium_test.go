package deploy

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestChromiumSwitches: the Chromium of the image has every switch that legwork gives to one that it starts itself.
func TestChromiumSwitches(t *testing.T) {
	t.Parallel()
	source, start := read(t, "../internal/page/browser/instance.go"), read(t, "chromium/start.sh")
	list := regexp.MustCompile(`(?s)for _, name := range \[\]string\{(.*?)\} \{`).FindStringSubmatch(source)
	if list == nil {
		t.Fatal("instance.go has no list of switches as this test knows it")
	}
	names := regexp.MustCompile(`"([a-z0-9-]+)"`).FindAllStringSubmatch(list[1], -1)
	if len(names) < 30 {
		t.Fatalf("only %d switches were found", len(names))
	}
	for _, name := range names {
		if !regexp.MustCompile(`--` + regexp.QuoteMeta(name[1]) + `[ \n]`).MatchString(start) {
			t.Errorf("start.sh lacks --%s", name[1])
		}
	}
	values := regexp.MustCompile(`chromedp\.Flag\("([a-z-]+)", (?:"([^"]+)"(?:\+\s*"([^"]+)")?|bypass)\)`).FindAllStringSubmatch(source, -1)
	if len(values) < 6 {
		t.Fatalf("only %d switches with values were found", len(values))
	}
	for _, v := range values {
		if want := "--" + v[1] + "=" + v[2] + v[3]; !strings.Contains(start, want) {
			t.Errorf("start.sh lacks %s", want)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
