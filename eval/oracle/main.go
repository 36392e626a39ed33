// Command oracle is a scripted language model for the evaluation. It plays a capable model without being one: it knows
// the gold passages of all questions, but cites only what the tools have shown it. So its results show what legwork does
// with a model's calls, and not what the model knows. Its replies depend only on the conversation.
//
// It looks for the passages of a question with the tools that legwork offers, reads long pages chunk by chunk, cites the
// sentences of the gold, takes a quote back if it was kept at the wrong place of a page, and never does what a page says.
// It says that a question is not answered if nothing in the manual answers it, or if it was shown none of the passages.
// It writes the answer and the sections of a report from the quotes, word for word.
//
//	go run ./eval/oracle --questions eval/postgresql.jsonl,eval/hard/postgresql.jsonl
//
// It prints the base URL of its API, which is compatible with OpenAI's chat completions (LLM_BASE_URL; LLM_MODEL=oracle),
// and runs until it is stopped.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"legwork/eval/questions"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func run(ctx context.Context, args []string, out, errOut io.Writer) error {
	f := flag.NewFlagSet("oracle", flag.ContinueOnError)
	f.SetOutput(errOut)
	files := f.String("questions", "", "question `file`, or several parted by commas")
	listen := f.String("listen", "127.0.0.1:0", "loopback `address` to listen on; port 0 takes a free one")
	if err := f.Parse(args); err != nil {
		return err
	}
	var all []questions.Question
	for name := range strings.SplitSeq(*files, ",") {
		read, err := questions.ReadFile(name)
		if err != nil {
			return err
		}
		all = append(all, read...)
	}
	host, _, err := net.SplitHostPort(*listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("--listen %s: only loopback addresses may be used", *listen)
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: newOracle(all), ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	fmt.Fprintf(out, "http://%s/v1\n", l.Addr())
	if err := server.Serve(l); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}
