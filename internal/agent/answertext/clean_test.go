package answertext

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"legwork/internal/testcost"
)

func TestClean(t *testing.T) {
	t.Parallel()
	cited := Cited("https://a.example/page", "https://b.example/")
	for name, tc := range map[string]struct{ in, out string }{
		"plain":              {"It is 40 [1], as *a* says.", "It is 40 [1], as *a* says."},
		"fence":              {"```markdown\nIt is 40 [1].\n```", "It is 40 [1]."},
		"fence, no name":     {"```\nIt is 40 [1].\n```", "It is 40 [1]."},
		"fence, no end":      {"```md\nIt is 40 [1].", "It is 40 [1]."},
		"fence of code":      {"```sh\nls [1]\n```", "```sh\nls [1]\n```"},
		"fence of bare code": {"```\nls -l\n```", "```\nls -l\n```"},
		"fences inside":      {"```\nls [1]\n```\nthen\n```\ncd\n```", "```\nls [1]\n```\nthen\n```\ncd\n```"},
		"parentheses":        {"It is 40 (1). It is 41 (2, 3).", "It is 40 [1]. It is 41 [2, 3]."},
		"a year":             {"It was so (2019), and twice (7).", "It was so (2019), and twice (7)."},
		"parens as text":     {"First (1) this [2].", "First (1) this [2]."},
		"quote":              {"It is 40 [Quote 1]. So [quotes 2 and 3], too (Quote 1).", "It is 40 [1]. So [2,3], too [1]."},
		"daggers":            {"It is 40【1†source】. So 【2:0†L3-L9】.", "It is 40[1]. So [2]."},
		"marker as a link":   {"It is 40 [1](https://a.example/page), [[2]](https://x.example).", "It is 40 [1], [2]."},
		"image":              {"See ![a pump](https://x.example/a.png?q=secret) it.", "See  it."},
		"image by reference": {"See ![a pump][p] it.\n\n[p]: https://x.example/a.png", "See  it."},
		"foreign link":       {"See [the page](https://x.example/y \"title\").", "See the page."},
		"script link":        {"See [the page](javascript:alert(1)).", "See the page."},
		"cited link":         {"See [the page](https://a.example/page#part) [1].", "See [the page](https://a.example/page#part) [1]."},
		"bare address":       {"See https://x.example/y. And <https://x.example>.", "See `https://x.example/y`. And `https://x.example`."},
		"cited address":      {"See https://b.example and https://a.example/page.", "See https://b.example and https://a.example/page."},
		"tags":               {"It is <b>40</b><br>litres<sup>[1]</sup> <img src=x onerror=alert(1)>.", "It is 40\nlitres[1] ."},
		"script":             {"It is<script>alert('<b>')</script> 40.", "It is 40."},
		"no tag":             {"Use <name> and a < b > c, <stdio.h> too.", "Use <name> and a < b > c, <stdio.h> too."},
		"code stays":         {"Write `<b>[Quote 1](x)</b>` (1).", "Write `<b>[Quote 1](x)</b>` (1)."},
		"comment":            {"It is <!-- hidden -->40.", "It is 40."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.out, Clean(tc.in, 3, cited))
		})
	}
}

func TestSentences(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		in  string
		out []string
	}{
		"spaces":     {"It is so [1]. It is not so. [2] Why?", []string{"It is so [1]. ", "It is not so. [2] "}},
		"Chinese":    {"水壶的默认温度是一百度[1]。它的容量是两升。[2]是的。", []string{"水壶的默认温度是一百度[1]。", "它的容量是两升。[2]"}},
		"Japanese":   {"ポットは水を沸かします！容量は二リットルです[1]。", []string{"ポットは水を沸かします！", "容量は二リットルです[1]。"}},
		"Thai":       {"กาต้มน้ำมีความจุสองลิตร [1]", []string{"กาต้มน้ำมีความจุสองลิตร [1]"}},
		"table":      {"| Name of the option | Its default value |\n|---|:--:|\n| the first one | forty litres [1] |", []string{"| the first one | forty litres [1] |"}},
		"list intro": {"默认值如下所示：\n- 水壶的温度是一百度[1]", []string{"水壶的温度是一百度[1]"}},
	} {
		require.Equal(t, tc.out, slices.Collect(Sentences(tc.in)), name)
	}
}

// TestCleanInTime: for texts that were made to take long, the time to clean them grows in proportion to their length.
func TestCleanInTime(t *testing.T) {
	for name, unit := range map[string]string{"brackets": "[", "links": "[a](", "tags": "<a ", "comments": "<!--", "images": "![", "parens": "(1", "markers": "[Quote ",
		"scripts": "<script>", "addresses": "http://", "daggers": "【1†", "fences": "```\n", "definitions": "[a]: b\n"} {
		text := strings.Repeat(unit, 64<<10/len(unit))
		testcost.Check(t, len(text), testcost.Limit{Time: 200 * time.Microsecond, StartTime: 5 * time.Second, Alloc: 8 << 10}, func() { Clean(text, 3, Cited()) })
		t.Log(name)
	}
}
