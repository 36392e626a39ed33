package representation

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/htmlindex"

	"legwork/internal/testcost"
)

func encoded(t testing.TB, s, charset string) string {
	t.Helper()
	e, err := htmlindex.Get(charset)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.NewEncoder().String(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

const (
	russian  = "<p>Билет в музей часов стоит триста рублей, дети входят бесплатно. Музей открыт каждый день, кроме понедельника.</p>"
	japanese = "<p>大人の入浴料は六百五十円です。営業時間は午前九時から午後十時までで、火曜日は休みです。</p>"
	chinese  = "<p>成人门票的价格是三百元，儿童免费。博物馆每天开放，星期一除外。请提前在网上预约参观时间。</p>"
	korean   = "<p>어른 입장료는 육백오십 원이며 어린이는 무료입니다. 박물관은 월요일을 제외하고 매일 문을 엽니다.</p>"
	greek    = "<p>Το εισιτήριο για το μουσείο κοστίζει τριακόσια ευρώ και τα παιδιά μπαίνουν δωρεάν κάθε μέρα.</p>"
	polish   = "<p>Bilet do muzeum zegarów kosztuje trzysta złotych, dzieci wchodzą bezpłatnie. Zażółć gęślą jaźń.</p>"
	french   = "<p>L’entrée du musée coûte trois cents francs ; les élèves entrent gratuitement dès le début de l’été.</p>"
)

func TestText(t *testing.T) {
	t.Parallel()
	filler := "<!-- " + strings.Repeat("x", 3000) + " --><script>var a = '<meta charset=koi8-r>';</script>"
	for name, tt := range map[string]struct {
		text, charset string // charset that the text is encoded in
		contentType   string
		head          string // put before the text
		read          string // charset that Text must find; if empty, the field charset
	}{
		"UTF-8":                        {russian, "utf-8", "text/html; charset=utf-8", "", ""},
		"no label":                     {russian, "utf-8", "text/html", "", ""},
		"ASCII":                        {"<p>Museum", "utf-8", "text/html; charset=iso-8859-1", "", ""},
		"a label for UTF-8 is wrong":   {french, "utf-8", "text/html; charset=iso-8859-1", "", ""},
		"another one":                  {chinese, "utf-8", "text/html; charset=gb2312", "", ""},
		"UTF-8 that says UTF-16":       {russian, "utf-8", "text/html; charset=utf-16", "", ""},
		"header":                       {russian, "windows-1251", "text/html; charset=windows-1251", "", ""},
		"header before meta":           {russian, "windows-1251", "text/html; charset=cp1251", "<meta charset=koi8-r>", ""},
		"header in quotes":             {russian, "koi8-r", `text/html; charset='KOI8-R'`, "", ""},
		"header with a colon":          {russian, "koi8-r", `text/html; charset: KOI8-R; x`, "", ""},
		"unknown header":               {russian, "windows-1251", "text/html; charset=none", "<meta charset=windows-1251>", ""},
		"meta":                         {russian, "windows-1251", "text/html", "<meta charset=windows-1251>", ""},
		"meta http-equiv":              {russian, "windows-1251", "text/html", `<meta content="text/html; charset=windows-1251" http-equiv=Content-Type>`, ""},
		"late meta":                    {russian, "windows-1251", "text/html", filler + "<meta charset=windows-1251>", ""},
		"meta in a comment":            {russian, "windows-1251", "text/html", "<!-- <meta charset=utf-16> --><meta charset=windows-1251>", ""},
		"XML declaration":              {russian, "windows-1251", "application/xml", `<?xml version="1.0" encoding = 'windows-1251'?>`, ""},
		"meta says UTF-8, is not":      {russian, "windows-1251", "text/html", "<meta charset=utf-8>", ""},
		"header says UTF-8, is not":    {russian, "windows-1251", "text/html; charset=utf-8", "<meta charset=windows-1251>", ""},
		"both say UTF-8":               {japanese, "shift_jis", "text/html; charset=utf-8", "<meta charset=utf-8>", ""},
		"header says Latin-1, is not":  {russian, "windows-1251", "text/html; charset=iso-8859-1", "<meta charset=windows-1251>", ""},
		"Latin-1 alone, is not":        {russian, "windows-1251", "text/html; charset=iso-8859-1", "", ""},
		"Latin-1 over Greek":           {greek, "windows-1253", "text/html; charset=iso-8859-1", "<meta charset=iso-8859-7>", "iso-8859-7"},
		"Latin-1, is":                  {french, "windows-1252", "text/html; charset=iso-8859-1", "", ""},
		"Latin-1, without a label":     {french, "windows-1252", "text/html", "", ""},
		"Shift_JIS without a label":    {japanese, "shift_jis", "text/html", "", ""},
		"EUC-JP without a label":       {japanese, "euc-jp", "text/html", "", ""},
		"EUC-JP that says Shift_JIS":   {japanese, "euc-jp", "text/html; charset=shift_jis", "", ""},
		"ISO-2022-JP":                  {japanese, "iso-2022-jp", "text/html", "<meta charset=iso-2022-jp>", ""},
		"GBK without a label":          {chinese, "gbk", "text/html", "", "gb18030"},
		"Big5 by label":                {"<p>成人門票的價格是三百元", "big5", "text/html; charset=big5", "", ""},
		"EUC-KR without a label":       {korean, "euc-kr", "text/html", "", ""},
		"windows-1251 without a label": {russian, "windows-1251", "text/plain", "", ""},
		"KOI8-R without a label":       {russian, "koi8-r", "text/plain", "", ""},
		"windows-1250 by label":        {polish, "windows-1250", "text/html; charset=windows-1250", "", ""},
		"UTF-16 with a mark":           {"\uFEFF" + russian, "utf-16le", "text/plain", "", ""},
		"UTF-16, big, with a mark":     {"\uFEFF" + russian, "utf-16be", "text/html; charset=utf-8", "", ""},
		"UTF-16 without a mark":        {"<html><title>Clock museum</title><p>The ticket is three hundred.", "utf-16le", "text/html", "", ""},
		"UTF-16, big, without a mark":  {"<html><title>Clock museum</title><p>The ticket is three hundred.", "utf-16be", "text/html", "", ""},
		"a mark goes before a label":   {"\uFEFF" + russian, "utf-8", "text/html; charset=windows-1251", "", ""},
	} {
		body := tt.head + encoded(t, tt.text, tt.charset)
		want := tt.read
		if want == "" {
			want = tt.charset
		}
		text, charset := Text([]byte(body), tt.contentType)
		if charset != want || strings.TrimPrefix(text, tt.head) != strings.TrimPrefix(tt.text, "\uFEFF") {
			t.Errorf("%s: %s, %.90q", name, charset, strings.TrimPrefix(text, tt.head))
		}
	}
}

// TestBrokenCharacters: a text with a few broken bytes is still decoded in its own charset.
func TestBrokenCharacters(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"one in the middle": strings.Repeat(russian, 5) + "\xff" + russian,
		"cut at the end":    russian + "\xd0",
		"Latin-1 inside":    strings.Repeat(japanese, 10) + "caf\xe9",
	} {
		for _, contentType := range []string{"text/html", "text/html; charset=utf-8"} {
			if text, charset := Text([]byte(body), contentType); charset != "utf-8" || strings.Count(text, "\uFFFD") != 1 {
				t.Errorf("%s, %s: %s with %d replacement characters", name, contentType, charset, strings.Count(text, "\uFFFD"))
			}
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte(russian), "text/html; charset=koi8-r")
	f.Add([]byte(encoded(f, russian, "windows-1251")), "text/html")
	f.Add([]byte("<meta charset=gbk>\xff\xfe\x00"), "")
	f.Add([]byte("\xff\xfea\x00"), "text/plain; charset")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		var text string
		testcost.Check(t, len(body)+len(contentType), testcost.Limit{Time: 5 * time.Microsecond, Alloc: 2000}, func() {
			text, _ = Text(body, contentType)
			KindOf(contentType, nil, body)
		})
		if strings.ToValidUTF8(text, "") != text {
			t.Error("not UTF-8")
		}
		if len(text) > 4*len(body)+8 {
			t.Errorf("%d bytes of %d", len(text), len(body))
		}
	})
}
