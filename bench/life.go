package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
)

// history counts what lives cost in Temporal's history, undisturbed: the figure is the largest of several.
func (r *runner) history(ctx context.Context) (Report, error) {
	var audit Auditor
	whole, err := r.lived(ctx, &audit, "lifehistory", serviceLife, 1, 10)
	if err != nil {
		return nil, err
	}
	texted, err := r.lived(ctx, &audit, "texthistory", serviceText, 1, 5)
	if err != nil {
		return nil, err
	}
	short, err := r.lived(ctx, &audit, "shorthistory", serviceLadder, 1, 2)
	if err != nil {
		return nil, err
	}
	tall, err := r.lived(ctx, &audit, "tallhistory", serviceLadder, ladderTiers, 2)
	if err != nil {
		return nil, err
	}
	for _, what := range []string{"lifehistory", "texthistory", "shorthistory"} {
		audit.Got(r.sink.of(r.prefix(what))...)
	}
	found := r.audit(&audit, "tallhistory")
	tiers := float64(ladderTiers - 1)
	return Report{
		figure("life-events", float64(whole.events), "events").atMost(45).audited(found).noted("asks for %s", whole.shape),
		figure("life-bytes", kb(whole.bytes), "KB").atMost(25),
		figure("life-events-sms", float64(texted.events), "events").noted("the same by SMS, with two status callbacks; %.1f KB", kb(texted.bytes)),
		figure("tier-events", round(float64(tall.events-short.events)/tiers, 1), "events").atMost(14).noted("each further tier of one person; %.1f KB", kb(tall.bytes-short.bytes)/tiers),
	}, nil
}

func kb(bytes int64) float64 { return round(float64(bytes)/1000, 1) }

// cost is what one run cost.
type cost struct {
	events, bytes int64
	shape         shape
}

// lived lets escalations of a service live one after the other, each acked after so many messages, and answers the
// dearest.
func (r *runner) lived(ctx context.Context, audit *Auditor, what, service string, messages, times int) (cost, error) {
	var dearest cost
	for i := range times {
		bounded, cancel := context.WithTimeout(ctx, time.Minute)
		escalation, err := r.live(bounded, audit, r.title(what, i), service, messages, receiptsWithin)
		cancel()
		if err != nil {
			return cost{}, err
		}
		one, err := r.costOf(ctx, runOf(escalation))
		if err != nil {
			return cost{}, err
		}
		if one.events > dearest.events {
			dearest = one
		}
	}
	return dearest, nil
}

// live is a whole life: an alert, messages, after a pause an ack by HTTP, a resolve by HTTP, and the end of the run.
func (r *runner) live(ctx context.Context, audit *Auditor, title, service string, messages int, pause time.Duration) (string, error) {
	var err error
	if service == serviceLadder {
		_, err = r.door.open(ctx, service, title)
	} else {
		err = r.door.trigger(ctx, r.routingKey(service), title)
	}
	if err != nil {
		return "", err
	}
	audit.Accepted(Sent{Title: title, Accepted: time.Now()})
	told, err := r.sink.await(ctx, title, messages)
	if err != nil {
		return "", err
	}
	if err := until(ctx, told.Arrived.Add(pause)); err != nil {
		return "", err
	}
	outcome, err := r.door.say(ctx, told.Escalation, "acknowledge")
	if err != nil {
		return "", err
	}
	if outcome == "done" || outcome == "already" { // "received" is taken when a worker comes to it
		audit.Silence(title, time.Now())
	}
	if _, err := r.door.say(ctx, told.Escalation, "resolve"); err != nil {
		return "", err
	}
	return told.Escalation, r.closed(ctx, told.Escalation)
}

func (r *runner) costOf(ctx context.Context, run string) (cost, error) {
	events, err := r.events(ctx, run)
	if err != nil {
		return cost{}, err
	}
	described, err := r.temporal.DescribeWorkflowExecution(ctx, run, "")
	if err != nil {
		return cost{}, fmt.Errorf("describe %s: %w", run, err)
	}
	info := described.GetWorkflowExecutionInfo()
	return cost{events: info.GetHistoryLength(), bytes: info.GetHistorySizeBytes(), shape: shapeOf(events)}, nil
}

func (r *runner) events(ctx context.Context, run string) ([]*historypb.HistoryEvent, error) {
	var all []*historypb.HistoryEvent
	pages := r.temporal.GetWorkflowHistory(ctx, run, "", false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for pages.HasNext() {
		e, err := pages.Next()
		if err != nil {
			return nil, fmt.Errorf("read the history of %s: %w", run, err)
		}
		all = append(all, e)
	}
	return all, nil
}

const livesAtOnce = 48

// life measures whole lives in a closed loop, then as many bare ones of the same shape in the same way.
func (r *runner) life(ctx context.Context) (Report, error) {
	var audit Auditor
	ours, err := r.loop(ctx, func(ctx context.Context, i int) error {
		_, err := r.live(ctx, &audit, r.title("life", i), serviceLife, 1, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	found := r.audit(&audit, "life")
	one, err := r.usual(ctx, r.sink.of(r.prefix("life")))
	if err != nil {
		return nil, err
	}
	same, err := r.bareLives(ctx, "same", one.shape)
	if err != nil {
		return nil, err
	}
	least, err := r.bareLives(ctx, "lean", lean())
	if err != nil {
		return nil, err
	}
	return Report{
		figure("life", ours, "1/s").against(same).ratioAtLeast(0.6).audited(found).noted("bare: %s; ours has %d events", one.shape, one.events),
		figure("life-to-lean", ours, "1/s").against(least).noted("bare: %s", lean()),
	}, nil
}

// usual is the median, by events, of some of the lives that were just lived: how much a life asks for depends on what
// the recorder can write together, and that on the load.
func (r *runner) usual(ctx context.Context, told []Message) (cost, error) {
	const some = 9
	var costs []cost
	for i := range min(some, len(told)) {
		one, err := r.costOf(ctx, runOf(told[i*len(told)/min(some, len(told))].Escalation))
		if err != nil {
			return cost{}, err
		}
		costs = append(costs, one)
	}
	if len(costs) == 0 {
		return cost{}, errors.New("nobody was told of any life")
	}
	slices.SortFunc(costs, func(a, b cost) int { return cmp.Compare(a.events, b.events) })
	return costs[len(costs)/2], nil
}

// loop keeps jobs going and answers how many ended per second, once it is warm.
func (r *runner) loop(ctx context.Context, job func(ctx context.Context, i int) error) (float64, error) {
	warm, measured := 5*time.Second, r.long(25*time.Second)
	ctx, cancel := context.WithTimeout(ctx, warm+measured+2*time.Minute)
	defer cancel()
	began := time.Now()
	from, to := began.Add(warm), began.Add(warm+measured)
	var ended, number atomic.Int64
	var all sync.WaitGroup
	failed := make(chan error, livesAtOnce)
	for range livesAtOnce {
		all.Go(func() {
			for time.Now().Before(to) {
				if err := job(ctx, int(number.Add(1))); err != nil {
					failed <- err
					return
				}
				if now := time.Now(); now.After(from) && now.Before(to) {
					ended.Add(1)
				}
			}
		})
	}
	all.Wait()
	select {
	case err := <-failed:
		return 0, err
	default:
		return perSecond(int(ended.Load()), measured), nil
	}
}

// bareLives is the same loop with bare workflows.
func (r *runner) bareLives(ctx context.Context, name string, s shape) (float64, error) {
	return r.loop(ctx, func(ctx context.Context, i int) error {
		run := fmt.Sprintf("bench-bare-%s-%s-%d", name, r.stamp, i)
		told := make(chan struct{})
		started, err := r.bare.start(ctx, run, bareLife, life{Run: run, Shape: s}, func(alarm, time.Time) { close(told) })
		if err != nil {
			return err
		}
		select {
		case <-told:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for range s.words() {
			if _, err := r.bare.say(ctx, run); err != nil {
				return err
			}
		}
		return started.Get(ctx, nil)
	})
}
