// Command scale simulates a day of legwork at a rate of tasks that no test machine can carry, and prints what the day needs: slots,
// processes, connections, commits and space. It does not run legwork: it takes what was measured on one node, and plays the arrivals,
// the queue and the runs of each task of the day. docs/scaling.md says what follows.
//
//	go run ./eval/scale                    # 10^4, 10^5, 10^6 and 10^7 tasks a day
//	go run ./eval/scale -tasks 1000000 -slots 1500
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() { os.Exit(program(os.Args[1:], os.Stdout, os.Stderr)) }

func program(args []string, out, errOut io.Writer) int {
	f := flag.NewFlagSet("scale", flag.ContinueOnError)
	f.SetOutput(errOut)
	n := measuredNode()
	tasks := f.Int("tasks", 0, "tasks of the day; 0: 10^4, 10^5, 10^6 and 10^7")
	slots := f.Int("slots", 0, "how many tasks run at once in all processes; 0: the fewest with which 99 of 100 tasks wait for less than 5 s")
	f.Float64Var(&n.CommitsPerSecond, "commits", n.CommitsPerSecond, "commits that one database server carries in a second")
	f.IntVar(&n.SlotsPerWorker, "worker-slots", n.SlotsPerWorker, "slots of one worker process (MAX_CONCURRENT_TASKS)")
	f.Float64Var(&n.PeakFactor, "peak", n.PeakFactor, "arrivals in the busiest hour, as a multiple of the mean")
	if err := f.Parse(args); err != nil {
		return 2
	}
	days := []int{10_000, 100_000, 1_000_000, 10_000_000}
	if *tasks > 0 {
		days = []int{*tasks}
	}
	fmt.Fprintln(out, "| tasks a day | peak, tasks/s | slots | worker processes | wait p50, s | wait p99, s | longest queue | "+
		"commits/s at the peak | of one database server | connections | GB a day |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|")
	for _, t := range days {
		s := *slots
		if s == 0 {
			s = fewestSlots(n, t)
		}
		d := simulate(n, t, s)
		fmt.Fprintf(out, "| %d | %.2f | %d | %d | %.1f | %.1f | %d | %.0f | %.0f %% | %d | %.1f |\n", t, d.PeakPerSecond, s, d.Workers, d.WaitP50, d.WaitP99,
			d.LongestQueue, d.PeakCommits, 100*d.PeakCommits/n.CommitsPerSecond, d.Connections, d.Gigabytes)
	}
	return 0
}
