package chaos

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	sampling = 10 * time.Second
	growth   = 1.15 // by which the last quarter may be larger than the second: flat, but for noise
)

// samples are what the processes weighed while a scenario ran.
type samples struct {
	stop context.CancelFunc
	done sync.WaitGroup
	rss  map[string][]float64 // MB by process
	goes map[string][]float64 // goroutines
}

// sample begins to weigh the processes, or ends it with a row for each.
func (r *run) sample(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want begin or end")
	}
	if args[0] == "begin" {
		weighing, stop := context.WithCancel(ctx)
		s := &samples{stop: stop, rss: map[string][]float64{}, goes: map[string][]float64{}}
		r.samples = s
		s.done.Go(func() {
			for pause(weighing, sampling) == nil {
				for _, p := range r.at.parts {
					s.weigh(p)
				}
			}
		})
		return nil
	}
	r.samples.stop()
	r.samples.done.Wait()
	for _, p := range r.at.parts {
		name := p.Name()
		if row, ok := flat(r.scenario.Name+"-"+name, r.samples.rss[name], "MB"); ok {
			r.rows = append(r.rows, row)
		}
		if row, ok := flat(r.scenario.Name+"-"+name+"-goroutines", r.samples.goes[name], ""); ok {
			r.rows = append(r.rows, row)
		}
	}
	return nil
}

func (s *samples) weigh(p part) {
	for _, pid := range p.PIDs() {
		if mb, err := resident(pid); err == nil {
			s.rss[p.Name()] = append(s.rss[p.Name()], mb)
		}
	}
	if n, ok := p.(*node); ok {
		if count, err := goroutines(n.probe); err == nil {
			s.goes[p.Name()] = append(s.goes[p.Name()], count)
		}
	}
}

// flat compares the last quarter with the second: the first is for warming up.
func flat(name string, all []float64, unit string) (Row, bool) {
	if len(all) < 8 {
		return Row{}, false
	}
	quarter := len(all) / 4
	before, after := mean(all[quarter:2*quarter]), mean(all[3*quarter:])
	hours := (sampling * time.Duration(2*quarter)).Hours()
	row := figure(name, float64(int(after/before*100))/100, "× ").atMost(growth)
	return row.noted("%.0f → %.0f %s, %+.0f an hour", before, after, unit, (after-before)/hours), true
}

func mean(all []float64) float64 {
	sum := 0.0
	for _, v := range all {
		sum += v
	}
	return sum / float64(len(all))
}

// resident memory of a process in MB, from /proc.
func resident(pid int) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm of %d: %q", pid, text)
	}
	pages, err := strconv.ParseFloat(fields[1], 64)
	return pages * float64(os.Getpagesize()) / (1 << 20), err
}

var total = regexp.MustCompile(`goroutine profile: total (\d+)`)

func goroutines(probe string) (float64, error) {
	client := &http.Client{Timeout: 5 * time.Second}
	response, err := client.Get("http://" + probe + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	head, err := io.ReadAll(io.LimitReader(response.Body, 200))
	if err != nil {
		return 0, err
	}
	found := total.FindSubmatch(head)
	if found == nil {
		return 0, fmt.Errorf("no goroutine profile: %.100s", head)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
