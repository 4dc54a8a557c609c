package service

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

// Settler turns accepted events into escalations and tells the engine about them.
type Settler struct {
	Organisation Organisation
	Inbox        Inbox
	Engine       Engine
	Routes       *Routes // nil: everything goes where its integration says
	Dark         *Dark   // nil: nothing is ever taken without the inbox
	// Rules is the newest behaviour version that every worker knows; nil: that of this release.
	Rules func() int
	Log   *slog.Logger
}

// Settle works the conversation of an event and runs the errands that come of it. What the engine cannot take now
// stays undone, for the relay: the error is for the log.
func (s *Settler) Settle(ctx context.Context, seq int64) error {
	errands, err := s.Inbox.Settle(ctx, seq, s.open)
	if err != nil {
		return fmt.Errorf("settle event %d: %w", seq, err)
	}
	return s.runAll(ctx, errands, false)
}

// commitAll decides what is to be told of many events, and tells nobody. When it cannot be done for all of them together
// it is done for each alone, so that one that fails holds up no other; failed hears of those.
func (s *Settler) commitAll(ctx context.Context, seqs []int64, failed func(seq int64, err error)) []Errand {
	errands, err := s.Inbox.SettleAll(ctx, seqs, s.open)
	if err == nil {
		return errands
	}
	if fault.Is(err, fault.Unavailable) { // for each of them as for all
		for _, seq := range seqs {
			failed(seq, err)
		}
		return nil
	}
	var all []Errand
	known := map[int64]bool{}
	for _, seq := range seqs {
		errands, err := s.Inbox.Settle(ctx, seq, s.open)
		if err != nil {
			failed(seq, err)
		}
		for _, e := range errands { // later events of a conversation answer the same errands again
			if !known[e.ID] {
				known[e.ID] = true
				all = append(all, e)
			}
		}
	}
	return all
}

const (
	chainsAtOnce = 8
	// enoughAway is how many chains may find the engine away before the others are not even tried: each may have
	// waited for a timeout. It is more than one, so that a single stubborn workflow does not stand for the engine.
	enoughAway = 3
)

// runAll runs errands: those of one escalation in order, up to the first that fails, and escalations side by side.
// patient means that nobody else is about to run what came before: what is not found then is over, not still to come.
// Its error is that of one chain; whatever was not done stays undone.
func (s *Settler) runAll(ctx context.Context, errands []Errand, patient bool) error {
	all := chains(errands)
	switch len(all) {
	case 0:
		return nil
	case 1:
		return s.runChain(ctx, all[0], patient)
	}
	var away atomic.Int32
	var work sync.WaitGroup
	failures := make([]error, len(all))
	places := make(chan struct{}, chainsAtOnce)
	for i, chain := range all {
		places <- struct{}{}
		if away.Load() >= enoughAway {
			break
		}
		work.Go(func() {
			defer func() { <-places }()
			failures[i] = fault.New(fault.Internal, "errands of %s panicked", chain[0].Escalation) // unless it comes to an end
			defer caught(ctx, s.Log, "an errand panicked", "escalation", chain[0].Escalation)
			failures[i] = s.runChain(ctx, chain, patient)
			if fault.Is(failures[i], fault.Unavailable) {
				away.Add(1)
			}
		})
	}
	work.Wait()
	err := cmp.Or(failures...)
	if away.Load() >= enoughAway {
		return fmt.Errorf("%w: %w", errAway, err)
	}
	return err
}

// errAway: so many found the engine away that the others were not tried.
var errAway = errors.New("the engine is away")

func (s *Settler) runChain(ctx context.Context, chain []Errand, patient bool) error {
	said := settled(chain)
	for _, e := range chain {
		if err := s.run(ctx, e, said, patient); err != nil {
			return fmt.Errorf("errand %d of %s: %w", e.ID, e.Escalation, err)
		}
	}
	return nil
}

// chains splits errands by escalation, in order of each one's first.
func chains(errands []Errand) [][]Errand {
	place := map[id.Escalation]int{}
	var all [][]Errand
	for _, e := range errands {
		at, known := place[e.Escalation]
		if !known {
			at = len(all)
			place[e.Escalation] = at
			all = append(all, nil)
		}
		all[at] = append(all[at], e)
	}
	return all
}

// settled is the last of what was said of an escalation that nobody has begun yet: the monitor took it back, or somebody
// has it. Nil: nothing, or it has begun.
func settled(chain []Errand) *Saying {
	if chain[0].Start == nil {
		return nil
	}
	for _, e := range slices.Backward(chain) {
		if e.Say != nil && (e.Say.Verb == contract.Resolve || e.Say.Verb == contract.Acknowledge) {
			return e.Say
		}
	}
	return nil
}

// begin starts an escalation. What was said of it while it waited is there when it begins, so that after an outage or in
// a storm nobody is told of what is over.
func (s *Settler) begin(ctx context.Context, start contract.Start, said *Saying) error {
	if said == nil {
		return s.Engine.Open(ctx, start)
	}
	return s.Engine.OpenSaid(ctx, start, said.Verb, said.Word)
}

// run does one errand of a chain; said is what its escalation begins with.
func (s *Settler) run(ctx context.Context, e Errand, said *Saying, patient bool) error {
	switch {
	case e.Start != nil:
		if s.Dark.Talks(e.Start.Conversation) {
			return elsewhere(e.Escalation)
		}
		if err := s.begin(ctx, *e.Start, said); err != nil {
			return fmt.Errorf("open: %w", cmp.Or(s.refused(ctx, e, err), err))
		}
	case e.Repeat != nil:
		err := s.Engine.Repeat(ctx, e.Escalation, *e.Repeat)
		if over(err, patient) {
			return s.orphan(ctx, e)
		}
		if err != nil {
			return fmt.Errorf("repeat: %w", err)
		}
	case e.Ticket != nil:
		if err := s.Engine.Ticket(ctx, e.Escalation, *e.Ticket); err != nil && !over(err, patient) {
			return fmt.Errorf("ticket: %w", err)
		}
	case e.Say != nil && e.Say != said:
		_, err := s.Engine.Say(ctx, contract.EscalationID(e.Escalation), e.Say.Verb, e.Say.Word)
		if err != nil && !over(err, patient) {
			return fmt.Errorf("%s: %w", e.Say.Verb, err)
		}
	}
	if err := s.Inbox.Done(ctx, e.ID); err != nil {
		return fmt.Errorf("strike off: %w", err)
	}
	return nil
}

// refusedFor is how long a start waits that the engine has refused as it is. It is tried again, since another release, of
// ours or of the engine, may know better; meanwhile it must not make everybody else wait for their turn.
const refusedFor = time.Minute

// refused puts a start aside that the engine will never take as it is. Nil: it may take it the next time.
func (s *Settler) refused(ctx context.Context, e Errand, err error) error {
	if !fault.Is(err, fault.Invalid) {
		return nil
	}
	if trouble := s.Inbox.Aside(ctx, e.ID, refusedFor); trouble != nil {
		return errors.Join(err, trouble)
	}
	return err
}

// over tells an escalation that has ended from one that the engine has not heard of yet.
func over(err error, patient bool) bool {
	return fault.Is(err, fault.Conflict) || patient && fault.Is(err, fault.NotFound)
}

// orphan settles a repeat anew whose escalation was over: the same key after the end is a new outage.
func (s *Settler) orphan(ctx context.Context, e Errand) error {
	seq, err := s.Inbox.Orphan(ctx, e.ID)
	if err != nil {
		return fmt.Errorf("reopen the conversation: %w", err)
	}
	if seq == 0 {
		return nil
	}
	return s.Settle(ctx, seq)
}

// request is what an escalation opened by hand says beside its alert. It is kept as the raw body of the event, so
// that settling it later, in another process, knows it too.
type request struct {
	By       string       `json:"by"`
	Name     string       `json:"name,omitempty"`
	Via      string       `json:"via"`
	Kind     org.Kind     `json:"kind,omitempty"`
	Priority org.Priority `json:"priority,omitempty"`
}

// formatManual marks events that carry a request.
const formatManual = "api"

// elsewhere: an alert that the engine took over while the records were away is not opened once more. The conversation
// will say what becomes of it.
func elsewhere(e id.Escalation) error {
	return fault.New(fault.Throttled, "%s waits: its alert was taken by the engine while the records were away", e)
}

// open is opening for the inbox. An event that breaks it fails alone: those that are settled with it would never be.
func (s *Settler) open(e id.Escalation, in Incoming) (start contract.Start, err error) {
	err = fault.New(fault.Internal, "the opening of %s panicked", e) // unless it comes to an end
	defer caught(context.Background(), s.Log, "an opening panicked", "escalation", e)
	if s.Dark.Talks(s.Dark.Hash(in.Service, in.Alert.DedupKey)) {
		return contract.Start{}, elsewhere(e)
	}
	start, err = s.opening(e, in)
	return start, err
}

// opening builds what the workflow starts with, at the current revision. It never refuses: whatever is missing by
// now, the catch-all is told.
func (s *Settler) opening(e id.Escalation, in Incoming) (contract.Start, error) {
	d := s.Organisation.Current()
	in.Alert.Title, in.Alert.Source = clipped(in.Alert.Title), clipped(in.Alert.Source)
	about := request{By: "monitor", Via: "events", Kind: org.Technical}
	if integration, ok := d.Org.Integrations[in.Integration]; ok && integration.Alert != "" {
		about.Kind = integration.Alert
	}
	if in.Format == formatManual {
		if err := json.Unmarshal(in.Raw, &about); err != nil {
			return contract.Start{}, fault.Wrap(fault.Internal, err, "read the request behind %s", e)
		}
	}
	home := in.Service
	if integration, ok := d.Org.Integrations[in.Integration]; ok && in.Format != formatManual {
		if in.Route == nil {
			integration.Service = in.Service     // where it was sent when it came
			in = s.Routes.apply(in, integration) // it came without the records, or no rule was there then
		}
		if r := in.Route; r != nil {
			in.Service, about.Kind = r.Service, r.Kind
			if r.Chosen {
				about.Priority = r.Priority
			}
		}
	}
	if in.Route != nil && in.Route.Canary > 0 {
		return s.canary(e, in, home), nil
	}
	opening, err := escalation.Prepare(d.Revision, d.Org, escalation.Request{
		Title: in.Alert.Title, Source: in.Alert.Source, Severity: in.Alert.Severity, Service: in.Service,
		Kind: about.Kind, Priority: about.Priority, At: in.ReceivedAt,
		By: escalation.Answer{By: id.Person(about.By), Name: about.Name, Via: about.Via, Key: in.Key},
	})
	if err != nil {
		s.Log.Error("no plan, the catch-all is told", "escalation", e, "service", in.Service, "error", err)
		opening = s.lastResort(d, in, about)
	}
	opening.ID = e
	if s.Rules != nil {
		opening.Rules = min(opening.Rules, s.Rules())
	}
	conversation := s.Dark.Hash(home, in.Alert.DedupKey)
	if r := in.Route; r != nil && r.Group != nil {
		conversation = s.Dark.Hash("*", r.Group.Key) // in the dark no alert of a group speaks for the others
	}
	return contract.Start{Opening: opening, Conversation: conversation}, nil
}

// canary is the opening of an alert of ours to ourselves: it goes the way of every other, to nobody but the robot.
func (s *Settler) canary(e id.Escalation, in Incoming, home id.Service) contract.Start {
	d := s.Organisation.Current()
	tier := org.Tier{Name: "robot", Targets: []org.Target{{Person: org.Robot}}, AckWithin: time.Hour, Direction: org.Functional}
	opening := escalation.Opening{
		ID: e, Canary: true, Title: in.Alert.Title, Source: in.Alert.Source, Severity: in.Alert.Severity, Service: in.Service,
		ServiceName: string(in.Service), Unit: d.Org.Services[in.Service].Unit, Kind: org.Technical, OpenedAt: in.ReceivedAt, Rules: escalation.CurrentRules,
		Plan: policy.Plan{Revision: d.Revision, Priority: org.P1, Tiers: []org.Tier{tier}, CatchAll: tier},
		By:   escalation.Answer{By: "belay", Via: "canary", Key: in.Key},
	}
	if s.Rules != nil {
		opening.Rules = min(opening.Rules, s.Rules())
	}
	return contract.Start{Opening: opening, Conversation: s.Dark.Hash(home, in.Alert.DedupKey)}
}

// clipped is a line that every part of the engine can carry: it refuses what is too large, and the alert as it came is
// kept elsewhere.
func clipped(line string) string {
	runes := 0
	for at := range line {
		if runes++; runes > longestTitle {
			return line[:at]
		}
	}
	return line
}

// lastResort is an opening of which the catch-all is told at once: the service is gone since the event was accepted.
func (s *Settler) lastResort(d policy.Directory, in Incoming, about request) escalation.Opening {
	if about.Priority == "" {
		about.Priority = alert.Priority(1, in.Alert.Severity)
	}
	return escalation.Opening{
		Title: in.Alert.Title, Source: in.Alert.Source, Severity: in.Alert.Severity,
		Service: in.Service, ServiceName: string(in.Service), Kind: about.Kind, OpenedAt: in.ReceivedAt, Rules: escalation.CurrentRules,
		Plan: policy.Plan{Revision: d.Revision, Priority: about.Priority, CatchAll: d.Org.CatchAll},
		By:   escalation.Answer{By: id.Person(about.By), Name: about.Name, Via: about.Via, Key: in.Key},
	}
}
