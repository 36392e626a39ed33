package password

import (
	"bytes"
	"compress/gzip"
	_ "embed" // for the words below
	"fmt"
	"io"
	"strings"
	"sync"
)

// packedWords has common passwords, words and names, one a line, the most common ones first. See words/LICENSE.
//
//go:embed words/words.txt.gz
var packedWords []byte

// dictionary returns the rank of each word by frequency, from 1. It is unpacked when the first password is checked
// and not when the program starts, because most processes check no password.
var dictionary = sync.OnceValues(func() (map[string]int, error) {
	r, err := gzip.NewReader(bytes.NewReader(packedWords))
	if err != nil {
		return nil, fmt.Errorf("words of passwords: %w", err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("words of passwords: %w", err)
	}
	ranks := make(map[string]int, bytes.Count(text, []byte("\n"))+1)
	for word := range strings.SplitSeq(string(text), "\n") {
		ranks[word] = len(ranks) + 1
	}
	return ranks, nil
})
