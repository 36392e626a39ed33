// Command pdfwords measures how many of pdftotext's words this project's PDF reader keeps, in order. It prints a row of a
// Markdown table for each file, and exits with 1 when the mean is below -min. pdftotext is part of poppler-utils.
//
//	go run ./scripts/pdfwords [-min 97] [-v] FILE.pdf …
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"legwork/internal/page/pdf"
)

func main() {
	least := flag.Float64("min", 97, "percent of the words that must be kept, as the mean of all files")
	verbose := flag.Bool("v", false, "print what is missing")
	text := flag.Bool("text", false, "print the text")
	flag.Parse()
	engine := pdf.NewEngine("")
	defer engine.Close()
	sum, files := 0.0, 0
	fmt.Println("| file | pages | words | kept in order, % | kept, % | seconds |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, file := range flag.Args() {
		body, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		began := time.Now()
		d, err := engine.Read(context.Background(), body)
		took := time.Since(began)
		if err != nil {
			fmt.Printf("| %s | | | %v | | |\n", filepath.Base(file), err)
			continue
		}
		ours := map[int][]string{}
		for _, p := range d.Pages {
			ours[p.Number] = words(p.Text)
			if *text {
				fmt.Printf("=== page %d\n%s\n", p.Number, p.Text)
			}
		}
		out, err := exec.CommandContext(context.Background(), "pdftotext", "-enc", "UTF-8", file, "-").Output()
		if err != nil {
			fmt.Fprintln(os.Stderr, file, err)
			continue
		}
		all, ordered, present := 0, 0, 0
		for i, page := range bytes.Split(out, []byte("\f")) {
			want, got := words(string(page)), ours[i+1]
			if i >= pdf.MaxPages {
				break
			}
			in := common(want, got)
			all, ordered = all+len(want), ordered+in
			here, missing := bag(want, got)
			present += here
			if *verbose && len(want) > in+2 {
				fmt.Fprintf(os.Stderr, "%s page %d: %d of %d in order, %d there; missing %.400q\n", filepath.Base(file), i+1, in, len(want), here, missing)
			}
		}
		if all == 0 {
			continue
		}
		share := 100 * float64(ordered) / float64(all)
		sum, files = sum+share, files+1
		fmt.Printf("| %s | %d | %d | %.1f | %.1f | %.2f |\n", filepath.Base(file), d.Count, all, share, 100*float64(present)/float64(all), took.Seconds())
	}
	fmt.Printf("\nMean of %d files: %.1f %%\n", files, sum/float64(files))
	if sum/float64(files) < *least {
		os.Exit(1)
	}
}

// words splits a text into words of one form: letters and digits alone, with compatibility characters
// decomposed. A word that was divided at the end of a line is one word. In scripts without spaces each character
// is a word.
func words(s string) []string {
	s = norm.NFKC.String(strings.NewReplacer("-\n", "", "\u00ad\n", "", "\u2010\n", "", "-", "", "\u2010", "", "\u00ad", "").Replace(s))
	var b strings.Builder
	for _, r := range s { // in scripts without spaces each character is a word
		if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana) {
			b.WriteString(" " + string(r) + " ")
		} else {
			b.WriteRune(r)
		}
	}
	return strings.FieldsFunc(b.String(), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r) })
}

// bag counts the words of want that are in got, in any order.
func bag(want, got []string) (n int, missing []string) {
	count := map[string]int{}
	for _, w := range got {
		count[w]++
	}
	for _, w := range want {
		if count[w] > 0 {
			count[w]--
			n++
		} else {
			missing = append(missing, w)
		}
	}
	return n, missing
}

// common is the length of the longest common subsequence.
func common(a, b []string) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			above := row[j+1]
			if x == y {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(row[j+1], row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}
