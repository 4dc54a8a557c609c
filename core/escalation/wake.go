package escalation

import (
	"fmt"
	"strings"
	"time"
)

// musterGuard is how long an unanswered Muster is waited for before it is asked again.
const musterGuard = time.Minute

// Wake is the next instant at which something is due; false when only a human can move things, or nobody.
func (s State) Wake() (time.Time, bool) {
	next := s.next()
	return next.At, !next.At.IsZero()
}

// next is the earliest of everything that is due, with what will happen then.
func (s State) next() Next {
	best := Next{Action: "none"}
	consider := func(at time.Time, action, target string) {
		if !at.IsZero() && (best.At.IsZero() || at.Before(best.At)) {
			best = Next{At: at, Action: action, Target: target}
		}
	}
	if s.Phase == ResolvedP {
		consider(s.CloseAt, "close", "")
		if s.Watch != nil && s.Watch.Asked != "" {
			s.watchNext(consider)
		}
		return best
	}
	if s.Phase == Watched {
		s.watchNext(consider)
		return best
	}
	if !s.live() {
		return best
	}
	if !s.Snooze.IsZero() {
		consider(s.Snooze, "wake", s.ownerName())
		return best
	}
	s.watchNext(consider)
	consider(s.Promises.Ack.Due, "promise_due", s.vendorName())
	consider(s.Promises.Resolve.Due, "promise_due", s.vendorName())
	consider(s.Resolve.Due, "resolve_due", s.ownerName())
	if !s.Climbing {
		consider(s.Update.Due, "update_due", s.ownerName())
		return best
	}
	consider(s.RetryAt, "page", "everybody again")
	consider(s.Stand.OpensAt, "page", s.vendorName())
	if s.Stand.Asked != "" {
		consider(s.Stand.AskedAt.Add(musterGuard), "page", s.tier().Name)
	}
	for _, p := range s.Stand.Pursued {
		consider(p.RetryAt, "page", p.contactAt(p.Step))
		consider(p.NextAt, "page", p.contactAt(p.Step+1))
	}
	consider(s.Stand.Ack.Due, "climb", s.above())
	return best
}

// contactAt names a contact as people read it: "Ana Pérez by voice".
func (p Pursuit) contactAt(step int) string {
	if step < 0 || step >= len(p.Responder.Ladder) {
		return p.Responder.Name
	}
	return fmt.Sprintf("%s by %s", p.Responder.Name, p.Responder.Ladder[step].Channel)
}

// above says who is called when the present rung stays silent.
func (s State) above() string {
	if len(s.Stand.Backups) > 0 {
		return s.Stand.Backups[0].Name
	}
	return s.Plan.At(s.climbTo().tier).Name
}

func (s State) ownerName() string {
	if s.OwnerAs != "" {
		return s.OwnerAs
	}
	return string(s.Owner)
}

func (s State) vendorName() string {
	if s.Opening.Vendor == nil {
		return ""
	}
	return s.Opening.Vendor.Name
}

// Summary is the row that lists and pages show.
func (s State) Summary() Summary {
	sum := Summary{
		ID: s.Opening.ID, Canary: s.Opening.Canary, State: s.Phase, Title: s.Opening.Title, Service: s.Opening.Service, Unit: s.Opening.Unit,
		Kind: s.Opening.Kind, Priority: s.Plan.Priority, Severity: s.Severity,
		Revision: string(s.Plan.Revision), Policy: s.Plan.Policy,
		Tier: s.Tier + 1, TierName: s.tier().Name, Round: s.Round,
		OpenedAt: s.Opening.OpenedAt, AcknowledgedAt: s.AckedAt, AcknowledgedBy: s.Owner,
		ResolvedAt: s.EndedAt, ResolvedBy: s.EndedBy.By, ResolveSaidAt: s.endSaid(), ClosedAt: s.ClosedAt, SnoozedUntil: s.Snooze,
		UpdateBy: s.Update.Due, ResolveBy: s.Resolve.Due, Repeats: s.Repeats, Next: s.next(), Seq: s.Seq,
	}
	if s.Opening.Watching != nil {
		sum.Ticket = s.Opening.Watching.Ticket.String()
	}
	if s.Watch != nil {
		sum.Looks = s.Watch.Looks
	}
	for _, t := range s.Told {
		sum.Told = append(sum.Told, t.Person)
	}
	return sum
}

// Details is the state in a few lines of Markdown, for whoever opens the run in Temporal's UI at night.
func (s State) Details() string {
	var b strings.Builder
	fmt.Fprintf(&b, "**%s · %s · %s** — %s\n\n", s.Opening.ID, s.Plan.Priority, s.Opening.ServiceName, s.Phase)
	if s.Owner != "" {
		fmt.Fprintf(&b, "- has it: %s since %s\n", s.ownerName(), clock(s.AckedAt))
	}
	if s.live() {
		fmt.Fprintf(&b, "- tier %d (%s), round %d\n", s.Tier+1, s.tier().Name, s.Round)
	}
	for _, v := range s.Vendors {
		fmt.Fprintf(&b, "- vendor %s: %s\n", v.Name, v.State)
	}
	if next := s.next(); !next.At.IsZero() {
		fmt.Fprintf(&b, "- next: %s %s at %s\n", strings.ReplaceAll(next.Action, "_", " "), next.Target, clock(next.At))
	}
	return b.String()
}
