package structured

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// Table converts values separated by commas, semicolons, tabs or bars to an HTML table with a title. The first row is the table head if
// each of its values has at least one letter. The error is ErrSyntax if no value can be read.
func Table(ctx context.Context, title, text string) (page, note string, err error) {
	text = strings.TrimLeft(text, "\uFEFF\r\n")
	comma := separator(text)
	if line, rest, found := strings.Cut(text, "\n"); found && len(strings.TrimSpace(line)) == 5 && strings.HasPrefix(line, "sep=") {
		comma, text = rune(line[4]), rest // Excel writes "sep=;" on the first line
	}
	r := csv.NewReader(newSource(ctx, text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord, r.ReuseRecord, r.TrimLeadingSpace = comma, true, -1, true, comma != '\t'
	var b strings.Builder
	title = escape(title)
	fmt.Fprintf(&b, "<!doctype html><html><head><title>%s</title></head><body><h1>%s</h1><table>", title, title)
	cells, rows := 0, 0
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			if rows == 0 {
				return "", "", fmt.Errorf("%w: %w", ErrSyntax, err)
			}
			note = "The table breaks off where it is not well formed."
			break
		}
		if cells += len(record); cells > maxCells {
			note = fmt.Sprintf("The table is longer; its first %d rows were read.", rows)
			break
		}
		tag := "td"
		if rows == 0 && isHead(record) {
			tag = "th"
		}
		b.WriteString("<tr>")
		for _, value := range record {
			b.WriteString("<" + tag + ">" + escape(strings.TrimSpace(value)) + "</" + tag + ">")
		}
		b.WriteString("</tr>")
		rows++
	}
	if rows == 0 {
		return "", "", fmt.Errorf("%w: it holds no values", ErrSyntax)
	}
	b.WriteString("</table></body></html>")
	return b.String(), note, nil
}

// separator finds the separator of the values: the character that occurs equally often in most of the first lines.
func separator(text string) rune {
	best, most := ',', 0
	for _, sign := range []rune{',', ';', '\t', '|'} {
		same, first, n := 0, -1, 0
		for line := range strings.Lines(text) {
			if n++; n > 20 {
				break
			}
			count, quoted := 0, false
			for _, r := range line {
				switch r {
				case '"':
					quoted = !quoted
				case sign:
					if !quoted {
						count++
					}
				}
			}
			if first < 0 {
				first = count
			}
			if count > 0 && count == first {
				same++
			}
		}
		if same > most {
			best, most = sign, same
		}
	}
	return best
}

// isHead reports whether the values of a row are names: each has at least one letter.
func isHead(record []string) bool {
	for _, value := range record {
		value = strings.TrimSpace(value)
		if value == "" || strings.IndexFunc(value, unicode.IsLetter) < 0 {
			return false
		}
	}
	return true
}
