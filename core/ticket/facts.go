package ticket

import "time"

// Facts are a ticket at one moment and what its history says by then.
type Facts struct {
	Ticket  Ticket
	At      time.Time // when this version began
	Version int       // from 1
	Changed []string  // fields that this version changed; nil for the first

	Reassignments   int       // from one team or assignee to another
	Bounces         int       // back to a team that had it before: A → B → A is one
	Reopens         int       // solved or closed, then not
	PriorityChanges int       //
	PriorityRaises  int       // to a more urgent one
	SilentSince     time.Time // whoever works on it was heard last then; zero: nobody works on it
}

// Follow tells the facts at every version, in order.
func (h History) Follow() []Facts {
	all := make([]Facts, 0, len(h))
	had := map[string]bool{}
	var f Facts
	for n, v := range h {
		before := f.Ticket
		f.Ticket, f.At, f.Version, f.Changed = v.Ticket, v.At, n+1, nil
		if n > 0 {
			f = f.moved(before, had)
		}
		had[v.Ticket.Team] = true
		f.SilentSince = f.silence(before, n == 0)
		all = append(all, f)
	}
	return all
}

// moved counts what this version did.
func (f Facts) moved(before Ticket, had map[string]bool) Facts {
	now := f.Ticket
	f.Changed = Differences(before, now)
	team := before.Team != "" && now.Team != "" && before.Team != now.Team
	person := before.Assignee != "" && now.Assignee != "" && before.Assignee != now.Assignee
	if team || person {
		f.Reassignments++
	}
	if team && had[now.Team] {
		f.Bounces++
	}
	if before.State.Over() && !now.State.Over() {
		f.Reopens++
	}
	if before.Priority != now.Priority && before.Priority != "" {
		f.PriorityChanges++
		if now.Priority != "" && now.Priority.Rank() < before.Priority.Rank() {
			f.PriorityRaises++
		}
	}
	return f
}

// silence begins with an assignment, with each word of the assignee, and when the ticket comes back from waiting.
func (f Facts) silence(before Ticket, first bool) time.Time {
	now := f.Ticket
	if now.Assignee == "" || now.State.Over() || now.State == Waiting {
		return time.Time{}
	}
	since := f.SilentSince
	if first || since.IsZero() || before.Assignee != now.Assignee {
		since = f.At
	}
	if now.SpokeAt.After(since) {
		since = now.SpokeAt
	}
	return since
}

// Vars are the names that conditions use: ticket, history and changed.
func (f Facts) Vars() map[string]any {
	t := f.Ticket
	labels := t.Labels
	if labels == nil {
		labels = map[string]string{}
	}
	changed := f.Changed
	if changed == nil {
		changed = []string{}
	}
	return map[string]any{
		"ticket": map[string]any{
			"system": t.System, "key": t.Key, "title": t.Title, "type": t.Type, "service": string(t.Service), "kind": string(t.Kind),
			"priority": string(t.Priority), "state": string(t.State), "reason": t.Reason, "category": t.Category, "team": t.Team,
			"assignee": t.Assignee, "customer": t.Customer, "vip": t.VIP, "labels": labels,
			"opened_at": t.OpenedAt, "responded": !t.RespondedAt.IsZero(),
		},
		"history": map[string]any{
			"versions": int64(f.Version), "reassignments": int64(f.Reassignments), "bounces": int64(f.Bounces), "reopens": int64(f.Reopens),
			"priority_changes": int64(f.PriorityChanges), "priority_raises": int64(f.PriorityRaises),
		},
		"changed": changed,
	}
}
