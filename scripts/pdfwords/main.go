// Command pdfwords measures how many of pdftotext's words legwork's PDF reader finds in the same order. It prints a
// row of a Markdown table for each file. The exit status is 1 if the mean is below -min. pdftotext is part of
// poppler-utils.
//
// Order is measured per page, by the longest common subsequence of pdftotext's words and ours. pdftotext can write
// the words in two orders: by position on the page (the first order), or as they are stored in the file (-raw, the
// second order). On slides and in tables the two differ a lot. For the mean, each page uses the order that is closer
// to ours. Further columns have the share of words that we find in the first order, the share that we find in any
// order, and the share on which the two orders themselves agree. No reader can follow both orders for more words than
// this last share.
//
// With -v it prints how the words of each page differ from those of the first order.
//
//	go run ./scripts/pdfwords [-min 97] [-v] FILE.pdf …
package main

import (
	"bytes"
	"context"
	"errors"
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
	verbose := flag.Bool("v", false, "print how the words of each page differ from the first order")
	text := flag.Bool("text", false, "print the text")
	flag.Parse()
	engine := pdf.NewEngine("")
	defer engine.Close()
	sum, sumFirst, files := 0.0, 0.0, 0
	fmt.Println("| file | pages | words | in the better of two orders, % | in the first order, % | in any order, % | second order in the first, % | seconds |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
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
			fmt.Printf("| %s | | | %v | | | | |\n", filepath.Base(file), err)
			continue
		}
		ours := map[int][]string{}
		for _, p := range d.Pages {
			ours[p.Number] = words(p.Text)
			if *text {
				fmt.Printf("=== page %d\n%s\n", p.Number, p.Text)
			}
		}
		byPlace, err := pdftotext(file)
		byFile, err2 := pdftotext(file, "-raw")
		if err = errors.Join(err, err2); err != nil {
			fmt.Fprintln(os.Stderr, file, err)
			os.Exit(1)
		}
		all, ordered, first, present, each := 0, 0, 0, 0, 0
		for i, want := range byPlace[:min(len(byPlace), len(byFile), pdf.MaxPages)] {
			got := ours[i+1]
			in, inRaw := common(want, got), common(byFile[i], got)
			all, first, ordered = all+len(want), first+in, ordered+min(len(want), max(in, inRaw))
			each += common(want, byFile[i])
			present += bag(want, got)
			if *verbose && len(want) > max(in, inRaw) {
				fmt.Printf("=== %s page %d: %d words, in order %d, raw %d\n%s\n", filepath.Base(file), i+1, len(want), in, inRaw, difference(want, got))
			}
		}
		if all == 0 {
			continue
		}
		percent := func(n int) float64 { return 100 * float64(n) / float64(all) }
		sum, sumFirst, files = sum+percent(ordered), sumFirst+percent(first), files+1
		fmt.Printf("| %s | %d | %d | %.1f | %.1f | %.1f | %.1f | %.2f |\n", filepath.Base(file), d.Count, all,
			percent(ordered), percent(first), percent(present), percent(each), took.Seconds())
	}
	fmt.Printf("\nMean of %d files: %.1f %%; in the first order %.1f %%\n", files, sum/float64(files), sumFirst/float64(files))
	if sum/float64(files) < *least {
		os.Exit(1)
	}
}

// pdftotext returns the words of each page that the program pdftotext finds.
func pdftotext(file string, flags ...string) (pages [][]string, err error) {
	out, err := exec.CommandContext(context.Background(), "pdftotext", append(flags, "-enc", "UTF-8", file, "-")...).Output()
	for page := range bytes.SplitSeq(out, []byte("\f")) {
		pages = append(pages, words(string(page)))
	}
	return pages, err
}

// words splits a text into words of letters and digits, after Unicode normalisation (NFKC) and without hyphens. So a
// word that was divided at the end of a line is one word. In scripts without spaces, each character is a word.
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

// bag returns how many words of want are also in got, in any order.
func bag(want, got []string) (n int) {
	count := map[string]int{}
	for _, w := range got {
		count[w]++
	}
	for _, w := range want {
		if count[w] > 0 {
			count[w]--
			n++
		}
	}
	return n
}

// common returns the length of the longest common subsequence of two lists of words.
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

// difference writes want and got as one text: [-what got lacks at this place-] and {+what it has instead+}.
func difference(want, got []string) string {
	length := make([][]int, len(want)+1) // lengths of the longest common subsequences of want[i:] and got[j:]
	for i := range length {
		length[i] = make([]int, len(got)+1)
	}
	for i := len(want) - 1; i >= 0; i-- {
		for j := len(got) - 1; j >= 0; j-- {
			if want[i] == got[j] {
				length[i][j] = length[i+1][j+1] + 1
			} else {
				length[i][j] = max(length[i+1][j], length[i][j+1])
			}
		}
	}
	var out strings.Builder
	for i, j := 0, 0; i < len(want) || j < len(got); {
		same := i
		for i < len(want) && j < len(got) && want[i] == got[j] {
			i, j = i+1, j+1
		}
		out.WriteString(strings.Join(want[same:i], " "))
		i0, j0 := i, j
		for i < len(want) || j < len(got) {
			if i < len(want) && j < len(got) && want[i] == got[j] {
				break
			}
			if j == len(got) || i < len(want) && length[i+1][j] >= length[i][j+1] {
				i++
			} else {
				j++
			}
		}
		if i > i0 {
			out.WriteString(" [-" + strings.Join(want[i0:i], " ") + "-]")
		}
		if j > j0 {
			out.WriteString(" {+" + strings.Join(got[j0:j], " ") + "+}")
		}
		out.WriteByte(' ')
	}
	return out.String()
}
