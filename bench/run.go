package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/durable"
)

// measurement is one question with its rows.
type measurement struct {
	name string
	ask  func(*runner, context.Context) (Report, error)
}

// The order matters: what needs an idle installation comes first, what leaves work behind comes last.
func measurements() []measurement {
	return []measurement{
		{"history", (*runner).history},
		{"first", (*runner).first},
		{"ack", (*runner).ack},
		{"life", (*runner).life},
		{"lateness", (*runner).lateness},
		{"burst", (*runner).burst},
		{"storm", (*runner).storm},
		{"open", (*runner).open},
		{"repeats", (*runner).repeats},
		{"accept", (*runner).accept},
	}
}

// Names are what Only chooses from.
func Names() []string {
	var names []string
	for _, m := range measurements() {
		names = append(names, m.name)
	}
	return names
}

// runner is one run.
type runner struct {
	Options
	sink     *sink
	door     *door
	temporal client.Client
	bare     *bare
	stamp    string // tells this run's alerts from those of others
}

// Run measures. An error means that the run could not be made; a measurement that fails is a row that says so.
func Run(ctx context.Context, o Options) (Report, error) {
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("no measurement is called %q; there are %s", name, strings.Join(Names(), ", "))
		}
	}
	r := &runner{Options: o, door: newDoor(o.Server, o.Token), stamp: fmt.Sprintf("%x", time.Now().UnixMilli()&0xffffffff)}
	var err error
	if r.sink, err = listen(o.Sink, o.Conduct); err != nil {
		return nil, err
	}
	defer r.sink.close()
	if r.temporal, err = durable.Dial(durable.Options{Addr: o.Temporal, Namespace: o.Namespace, Plain: true, Log: slog.New(slog.DiscardHandler)}); err != nil {
		return nil, err
	}
	defer r.temporal.Close()
	if r.bare, err = newBare(r.temporal); err != nil {
		return nil, err
	}
	defer r.bare.worker.Stop()

	var report Report
	for _, m := range measurements() {
		if len(o.Only) > 0 && !slices.Contains(o.Only, m.name) {
			continue
		}
		if err := r.sink.silence(ctx, 2*time.Second); err != nil {
			return report, err
		}
		began := time.Now()
		o.Say("measuring " + m.name)
		stop := r.profile(m.name)
		rows, err := m.ask(r, ctx)
		stop()
		if ctx.Err() != nil {
			return report, context.Cause(ctx)
		}
		if err != nil {
			rows = append(rows, figure(m.name, 0, "").broken("could not be measured: %v", err))
		}
		o.Say(fmt.Sprintf("measured %s in %s: %s", m.name, time.Since(began).Round(time.Second), rows.brief()))
		report = append(report, rows...)
	}
	return report, nil
}

// title of the i-th alert of a measurement.
func (r *runner) title(what string, i int) string { return fmt.Sprintf("%s%d", r.prefix(what), i) }

func (r *runner) prefix(what string) string { return "bench-" + what + "-" + r.stamp + "-" }

// audit compares what was sent with everything that arrived for alerts of a measurement.
func (r *runner) audit(a *Auditor, what string) Findings {
	a.Got(r.sink.of(r.prefix(what))...)
	return a.Findings()
}

// closed waits until an escalation's run is over, which is after the last record.
func (r *runner) closed(ctx context.Context, escalation string) error {
	if err := r.temporal.GetWorkflow(ctx, runOf(escalation), "").Get(ctx, nil); err != nil {
		return fmt.Errorf("wait for the end of %s: %w", escalation, err)
	}
	return nil
}

// runOf is the workflow of an escalation.
func runOf(escalation string) string { return contract.EscalationID(id.Escalation(escalation)) }

// profile takes CPU profiles of the installation's processes while a measurement runs.
func (r *runner) profile(name string) (stop func()) {
	if r.Profile == "" || len(r.Probes) == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for i, probe := range r.Probes {
		all.Go(func() {
			path := filepath.Join(r.Profile, fmt.Sprintf("%s-%d.pprof", name, i))
			if err := fetch(ctx, "http://"+probe+"/debug/pprof/profile?seconds=20", path); err != nil {
				r.Say("no profile: " + err.Error())
			}
		})
	}
	return func() {
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(25 * time.Second):
		}
		cancel()
		<-done
	}
}

func fetch(ctx context.Context, from, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, response.Body)
	return err
}

// crowd runs n jobs, at most so many at once, and answers their first error. Jobs are not begun after ctx has ended.
func crowd(ctx context.Context, n, atOnce int, job func(ctx context.Context, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	next := make(chan int)
	for range atOnce {
		all.Go(func() {
			for i := range next {
				if err := job(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := range n {
		select {
		case next <- i:
		case <-ctx.Done():
			close(next)
			all.Wait()
			return context.Cause(ctx)
		}
	}
	close(next)
	all.Wait()
	return context.Cause(ctx)
}

// until waits for an instant.
func until(ctx context.Context, at time.Time) error {
	select {
	case <-time.After(time.Until(at)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// tally collects durations from many goroutines.
type tally struct {
	mu  sync.Mutex
	all Sample
}

func (t *tally) add(d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all = append(t.all, d)
}

func (t *tally) sample() Sample {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.all)
}
