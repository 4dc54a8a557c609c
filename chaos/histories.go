package chaos

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/durable"
)

const sampled = 20 // runs of a scenario whose histories are exported

func (r *run) temporal() (client.Client, error) {
	return durable.Dial(durable.Options{Addr: r.at.Temporal, Plain: true, Log: slog.New(slog.DiscardHandler)})
}

// histories exports some runs as they were recorded, and replays them on the code of today.
func (r *run) histories(ctx context.Context) error {
	if r.Replay == nil {
		return nil
	}
	dir := filepath.Join(r.home, "histories")
	if r.Record != "" {
		dir = filepath.Join(r.Record, r.scenario.Name)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	c, err := r.temporal()
	if err != nil {
		return err
	}
	defer c.Close()
	for _, record := range append(r.audit.suspects(), pick(r.dice, r.audit.all(), sampled)...) {
		events, err := history(ctx, c, record.Escalation, "")
		if err != nil {
			return err
		}
		raw, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(events)
		if err != nil {
			return fmt.Errorf("write the history of %s: %w", record.Escalation, err)
		}
		if err := os.WriteFile(filepath.Join(dir, record.Escalation+".json"), raw, 0o600); err != nil {
			return err
		}
	}
	n, err := r.Replay(dir)
	r.tell("%d histories replayed", n)
	return err
}

// suspects are records of alerts with which something is wrong.
func (a *Auditor) suspects() []Record {
	found := a.Findings()
	var wrong string
	for _, list := range found.lists() {
		if list.keys != &found.Late {
			wrong += strings.Join(*list.keys, " ") + " "
		}
	}
	return slices.DeleteFunc(a.all(), func(r Record) bool {
		return !strings.Contains(wrong, r.Title+" ") && !strings.Contains(wrong, r.Escalation+"/") && !strings.Contains(wrong, r.Escalation+" ")
	})
}

func (a *Auditor) all() []Record {
	a.mu.Lock()
	defer a.mu.Unlock()
	var all []Record
	for _, r := range a.records {
		if r.opened() {
			all = append(all, r)
		}
	}
	return all
}

// history of one run of an escalation; empty: the latest.
func history(ctx context.Context, c client.Client, escalation, run string) (*historypb.History, error) {
	all := &historypb.History{}
	events := c.GetWorkflowHistory(ctx, contract.EscalationID(id.Escalation(escalation)), run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		e, err := events.Next()
		if err != nil {
			return nil, fmt.Errorf("read the history of %s: %w", escalation, err)
		}
		all.Events = append(all.Events, e)
	}
	return all, nil
}

// longest is more events than a run may have: the server suggests a new one at 4,096, and what is under way comes to
// its end first.
const longest = 6_000

// flood says thousands of notes and acks to one escalation, while workers die, and looks for each of them.
func (r *run) flood(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("want how many")
	}
	many, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	n := int(r.fired.Add(1))
	title := r.title(n)
	r.loads = append(r.loads, &load{stop: func() {}})
	if !r.fire(ctx, n, title) {
		return context.Cause(ctx)
	}
	first, err := r.sink.await(ctx, title, 1)
	if err != nil {
		return err
	}
	r.audit.Ending(title, time.Now())
	began := time.Now()
	const mouths = 16
	failed := make(chan error, mouths)
	for mouth := range mouths {
		go func() {
			for i := mouth; i < many; i += mouths {
				if err := r.utter(ctx, first, i); err != nil {
					failed <- err
					return
				}
			}
			failed <- nil
		}()
	}
	for range mouths {
		if err := <-failed; err != nil {
			return err
		}
	}
	r.audit.Acked(title, time.Now())
	took := time.Since(began)
	if err := r.heard(ctx, first.Escalation, many); err != nil {
		return err
	}
	runs, events, err := r.runs(ctx, first.Escalation)
	if err != nil {
		return err
	}
	r.rows = append(r.rows, figure(r.scenario.Name+"-history", float64(events), "events").atMost(longest).
		noted("the longest of %d runs; %d acks and notes in %s", runs, many, took.Round(time.Second)))
	r.resolve(ctx, n, title)
	return nil
}

// utter says one word until it is taken: every fifth is an ack, the others are notes.
func (r *run) utter(ctx context.Context, m heard, i int) error {
	for {
		verb, body := "note", any(map[string]string{"note": fmt.Sprintf("flood %d.", i)})
		if i%5 == 0 {
			verb, body = "acknowledge", struct{}{}
		}
		_, err := r.outside.say(ctx, m.Escalation, verb, fmt.Sprintf("flood %s %d", m.Key, i), body)
		if err == nil {
			return nil
		}
		if final(err) {
			return err
		}
		r.answersLate.Add(1)
		r.tell("flood %d: %v", i, err)
		if err := pause(ctx, 500*time.Millisecond); err != nil {
			return err
		}
	}
}

// heard waits until every note is on record.
func (r *run) heard(ctx context.Context, escalation string, many int) error {
	for deadline := time.Now().Add(2 * time.Minute); ; {
		entries, err := r.outside.timeline(ctx, escalation)
		if err != nil && time.Now().After(deadline) {
			return err
		}
		times := map[string]int{}
		for _, e := range entries {
			if at := strings.Index(e.Text, "flood "); at >= 0 {
				times[strings.TrimSuffix(e.Text[at+len("flood "):], ".")]++
			}
		}
		var missing, twice []string
		for i := range many {
			switch n := times[strconv.Itoa(i)]; {
			case i%5 == 0:
			case n == 0:
				missing = append(missing, strconv.Itoa(i))
			case n > 1:
				twice = append(twice, strconv.Itoa(i))
			}
		}
		if len(missing) == 0 || time.Now().After(deadline) {
			if len(missing) > 0 {
				r.fail("%d notes of the flood are lost (%s)", len(missing), some(missing))
			}
			if len(twice) > 0 {
				r.fail("%d notes of the flood are there twice (%s)", len(twice), some(twice))
			}
			return nil
		}
		if err := pause(ctx, time.Second); err != nil {
			return err
		}
	}
}

// runs counts the runs of an escalation and the events of the longest.
func (r *run) runs(ctx context.Context, escalation string) (runs int, events int64, err error) {
	c, err := r.temporal()
	if err != nil {
		return 0, 0, err
	}
	defer c.Close()
	for run := ""; ; {
		described, err := c.DescribeWorkflowExecution(ctx, contract.EscalationID(id.Escalation(escalation)), run)
		if err != nil {
			return runs, events, fmt.Errorf("look at the runs of %s: %w", escalation, err)
		}
		info := described.GetWorkflowExecutionInfo()
		runs, events = runs+1, max(events, info.GetHistoryLength())
		first, err := c.WorkflowService().GetWorkflowExecutionHistory(ctx, &workflowservice.GetWorkflowExecutionHistoryRequest{
			Namespace: "default", Execution: info.GetExecution(), MaximumPageSize: 1,
		})
		if err != nil {
			return runs, events, fmt.Errorf("look at the runs of %s: %w", escalation, err)
		}
		run = first.GetHistory().GetEvents()[0].GetWorkflowExecutionStartedEventAttributes().GetContinuedExecutionRunId()
		if run == "" {
			return runs, events, nil
		}
	}
}
