package parser

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"runtime/debug"
	"runtime/metrics"

	"legwork/internal/page"
)

const (
	maxStack      = 64 << 20  // bytes of one goroutine's stack; deeper recursion ends the child process
	prepareMemory = 1 << 30   // bytes of memory that the process which compiles the PDF reader may map
	keptMemory    = 48 << 20  // bytes of memory that a child process may keep between two documents
	smallBody     = 256 << 10 // bytes; a document with a larger body, and a PDF, is treated as large
)

// collection says when the garbage collector runs in a child process.
type collection struct {
	percent int   // growth of the heap between two collections, in percent
	limit   int64 // when the memory reaches this number of bytes, collections become more frequent
}

// For a small document, the garbage collector seldom runs, which halves the reading time. For a large document it runs more often, so that
// the process stays within its memory limit.
var (
	smallDocument = collection{percent: 400, limit: 64 << 20}
	largeDocument = collection{percent: 50, limit: 180 << 20}
)

// Serve is the main loop of a child process. It sets its limits, reads documents from in and writes the results to out, until in ends.
// It must be the first call in a process of its own, since the limits apply to the whole process.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	from := bufio.NewReaderSize(in, 1<<16)
	var s settings
	if err := readJSON(from, &s); err != nil {
		return ended(err)
	}
	debug.SetMaxStack(maxStack)
	if raceFactor > 1 {
		s.Memory = 0 // the race detector maps terabytes
	}
	if err := limitMemory(s.Memory); err != nil {
		return fmt.Errorf("limit the memory of a parser process: %w", err)
	}
	reader := page.NewInProcess(s.CacheDir)
	var now collection
	for {
		var q request
		if err := readJSON(from, &q); err != nil {
			return ended(err)
		}
		body, err := readFrame(from)
		if err != nil {
			return ended(err)
		}
		want := smallDocument
		if len(body) > smallBody || isPDF(q.Header, body) {
			want = largeDocument
		}
		if want != now {
			debug.SetGCPercent(want.percent)
			debug.SetMemoryLimit(want.limit * raceFactor)
			now = want
		}
		if err := writeJSON(out, read(ctx, reader, q, body)); err != nil {
			return err
		}
		if usedMemory() > keptMemory {
			debug.FreeOSMemory() // returns the memory of this document to the system
		}
	}
}

// usedMemory returns the memory that the Go runtime has obtained from the system, in bytes.
func usedMemory() uint64 {
	all := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(all)
	return all[0].Value.Uint64() - all[1].Value.Uint64()
}

func read(ctx context.Context, reader *page.InProcess, q request, body []byte) *answer {
	var a answer
	if q.Prepare {
		a.encode(reader.Prepare())
		return &a
	}
	base, err := url.Parse(q.URL)
	if err == nil {
		a.Reading, err = reader.Read(ctx, base, q.Header, body)
	}
	a.encode(err)
	return &a
}

// ended returns nil if the input has ended between two requests, since the parent ends a child in this way.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
