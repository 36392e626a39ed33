package parser

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"runtime/debug"

	"legwork/internal/page"
)

const (
	maxStack      = 64 << 20 // bytes of one goroutine's stack; deeper recursion ends the child process
	childGC       = 50       // percent of growth between two garbage collections
	childHeap     = 180 << 20
	prepareMemory = 1 << 30 // bytes that compiling the PDF reader may map
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
	debug.SetGCPercent(childGC)
	debug.SetMemoryLimit(childHeap * raceFactor)
	if raceFactor > 1 {
		s.Memory = 0 // the race detector maps terabytes
	}
	if err := limitMemory(s.Memory); err != nil {
		return fmt.Errorf("limit the memory of a parser process: %w", err)
	}
	reader := page.NewInProcess(s.CacheDir)
	for {
		var q request
		if err := readJSON(from, &q); err != nil {
			return ended(err)
		}
		body, err := readFrame(from)
		if err != nil {
			return ended(err)
		}
		if err := writeJSON(out, read(ctx, reader, q, body)); err != nil {
			return err
		}
		debug.FreeOSMemory() // returns the memory of this document to the system
	}
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

// ended returns nil for the end of input between two requests, since that is how a child is told to end.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
