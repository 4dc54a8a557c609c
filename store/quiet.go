package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/route"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store/sqlc"
)

// groups is where escalations of groups of alerts are at home: no service is called so.
const groups = "*"

// States of an alert beside its escalation.
const (
	plain    = "plain"    // only its changes are remembered
	delayed  = "delayed"  // by a rule
	muted    = "muted"    // by a window
	counted  = "counted"  // by a group that has not enough of them
	member   = "member"   // of a group's escalation
	flapping = "flapping" // held open until it is quiet
)

// alertRow is what is kept of an alert.
type alertRow struct {
	sqlc.AlertOfRow
	kept bool // it stands in the table
}

// gathering is a group while its lock is held.
type gathering struct {
	key     string
	held    *holder // nil: the key is free
	last    time.Time
	counted int
}

// gather takes the locks of the groups that these conversations are about, always after their own, and reads what they
// protect.
func (d *desk) gather(ctx context.Context, all []*conversation, every time.Duration) error {
	wanted, from := map[string]bool{}, map[string]time.Time{}
	numbers := map[int64]bool{}
	for _, c := range all {
		if c.alert.State == member || c.alert.State == counted {
			wanted[c.alert.GroupKey] = true
			if c.alert.Escalation != nil {
				numbers[*c.alert.Escalation] = true
			}
		}
		for _, event := range c.events {
			r, err := routeOf(event.Route)
			if err != nil {
				return err
			}
			if r != nil && r.Group != nil && alert.Action(event.Action) == alert.Trigger {
				wanted[r.Group.Key] = true
				if at := event.ReceivedAt.Add(-r.Group.Within); at.After(from[r.Group.Key]) {
					from[r.Group.Key] = at
				}
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for _, key := range sorted(wanted) {
		g := &gathering{key: key}
		d.groups[key] = g
		batch.Queue(sqlc.LockConversation, groups, key)
		batch.Queue(sqlc.Holder, every, groups, key).Query(func(rows pgx.Rows) error {
			holders, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sqlc.HolderRow])
			if len(holders) > 0 {
				g.held = d.holderOf(holders[0])
			}
			return err
		})
		batch.Queue(sqlc.GroupStands, from[key], key).QueryRow(func(row pgx.Row) error {
			var counted int32
			err := row.Scan(&g.last, &counted)
			g.counted = int(counted)
			return err
		})
	}
	for _, number := range sorted(numbers) {
		batch.Queue(sqlc.HolderOf, every, number).Query(func(rows pgx.Rows) error {
			holders, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sqlc.HolderRow])
			if len(holders) > 0 {
				d.holderOf(holders[0])
			}
			return err
		})
	}
	if err := d.tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	for _, g := range d.groups {
		if g.held != nil {
			numbers[g.held.Number] = true // whoever joins is not the only one
		}
	}
	return d.count(ctx, sorted(numbers))
}

// count reads how many members of groups' escalations fire.
func (d *desk) count(ctx context.Context, numbers []int64) error {
	if len(numbers) == 0 {
		return nil
	}
	batch := &pgx.Batch{}
	for _, number := range numbers {
		batch.Queue(sqlc.FiringMembers, number).QueryRow(func(row pgx.Row) error {
			var firing int32
			err := row.Scan(&firing)
			d.members[number] = int(firing)
			return err
		})
	}
	return d.tx.SendBatch(ctx, batch).Close()
}

// holderOf keeps one value for each escalation, so that what one conversation counts the next one sees.
func (d *desk) holderOf(row sqlc.HolderRow) *holder {
	if known, ok := d.holders[row.Number]; ok {
		return known
	}
	h := &holder{HolderRow: row}
	d.holders[row.Number] = h
	return h
}

func sorted[K int64 | string](set map[K]bool) []K {
	out := make([]K, 0, len(set))
	for key := range set {
		out = append(out, key)
	}
	slices.Sort(out)
	return out
}

func routeOf(text []byte) (*route.Decision, error) {
	if len(text) == 0 {
		return nil, nil
	}
	var r route.Decision
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("read what the rules said: %w", err)
	}
	return &r, nil
}

// fires takes a trigger. What is open hears everything; what is not may have to wait, to be quiet, or to join others.
func (c *conversation) fires(ctx context.Context, event sqlc.ConversationRow, in service.Incoming) error {
	r := route.Decision{Action: org.Tell}
	if in.Route != nil {
		r = *in.Route
	}
	if event.Ripened {
		r.Window, r.Delay = "", 0
		if r.Action == org.Suppress {
			r.Action = org.Tell // a repeat of another kind took the place of what was waiting
		}
	}
	if c.dedupKey == "" {
		return c.begins(ctx, event.Seq, in) // nobody could say that it is over
	}
	fired := c.alert.Firing
	c.changes(r.Flapping, in.ReceivedAt, true)
	if c.alert.State == member {
		if heard, err := c.firesAgain(event.Seq, in, fired); heard || err != nil {
			return err
		}
	}
	if c.held != nil {
		if c.alert.State == flapping {
			c.alert.DueAt = nil // it is not quiet
		}
		c.keepAlert()
		return c.join(c.held, event.Seq, in)
	}
	waited := c.alert.State == delayed || c.alert.State == muted || c.alert.State == counted
	if waited && alert.Severity(c.alert.Severity).WorseThan(in.Alert.Severity) {
		in.Alert.Severity = alert.Severity(c.alert.Severity) // the worst of what waits
	}
	switch {
	case r.Action == org.Suppress:
		c.keepAlert()
		c.settled.add(event.Seq, 0, fmt.Sprintf("suppressed by rule %q", r.Rule))
		return nil
	case r.Window != "":
		c.waits(muted, event.Seq, in, nil)
		c.alert.MutedBy = string(r.Window)
		c.settled.add(event.Seq, 0, fmt.Sprintf("muted by maintenance window %q until it ends", r.Window))
		return nil
	case r.Delay > 0:
		due := in.ReceivedAt.Add(r.Delay)
		if c.alert.State == delayed && c.alert.DueAt != nil {
			due = *c.alert.DueAt // its time has run since it fired first
		}
		c.waits(delayed, event.Seq, in, &due)
		c.settled.add(event.Seq, 0, fmt.Sprintf("delayed by rule %q: pages at %s if it still fires", r.Rule, due.UTC().Format(time.RFC3339)))
		return nil
	case r.Group != nil:
		return c.joins(ctx, event.Seq, in, r)
	}
	c.restored()
	return c.begins(ctx, event.Seq, in)
}

// waits puts the alert where it tells nobody yet.
func (c *conversation) waits(state string, seq int64, in service.Incoming, due *time.Time) {
	c.alert.State, c.alert.Firing, c.alert.Seq, c.alert.Severity = state, true, seq, text(string(in.Alert.Severity))
	c.alert.Since, c.alert.DueAt, c.alert.MutedBy = in.ReceivedAt, due, ""
	c.keepAlert()
}

// restored: it is an alert like any other again, but for the changes that are remembered.
func (c *conversation) restored() {
	c.alert.State, c.alert.DueAt, c.alert.MutedBy, c.alert.GroupKey, c.alert.Escalation = plain, nil, "", "", nil
	c.keepAlert()
}

// joins takes an alert into its group.
func (c *conversation) joins(ctx context.Context, seq int64, in service.Incoming, r route.Decision) error {
	g := c.groups[r.Group.Key]
	if g == nil {
		return fault.New(fault.Internal, "the group %q was not locked", r.Group.Key)
	}
	if g.held != nil && in.ReceivedAt.Sub(g.last) > r.Group.Within {
		g.held.released = true // too late: the next of the group begin anew
		c.keep(g.held, false)
		g.held = nil
	}
	was := c.alert.State
	c.waits(member, seq, in, nil)
	c.alert.GroupKey = r.Group.Key
	if g.held != nil {
		c.belongs(g, g.held.Number, in.ReceivedAt)
		return c.join(g.held, seq, in)
	}
	if was != counted {
		g.counted++
	}
	if g.counted < r.Group.Count {
		due := in.ReceivedAt.Add(r.Group.Within)
		c.alert.State, c.alert.DueAt = counted, &due
		c.settled.add(seq, 0, fmt.Sprintf("counted by rule %q: %d of %d within %s", r.Rule, g.counted, r.Group.Count, r.Group.Within))
		return nil
	}
	number, err := c.starts(ctx, seq, in, groups, r.Group.Key)
	if err != nil {
		return err
	}
	g.held = c.holders[number]
	if r.Group.Count > 1 {
		c.members[number] = g.counted - 1
		c.late = append(c.late, func(b *pgx.Batch) {
			b.Queue(sqlc.CountedJoin, number, r.Group.Key, in.ReceivedAt.Add(-r.Group.Within))
		})
	}
	c.belongs(g, number, in.ReceivedAt)
	return nil
}

func (c *conversation) belongs(g *gathering, number int64, at time.Time) {
	c.alert.Escalation = &number
	c.members[number]++
	g.last = at
	g.counted = 0
}

// firesAgain is a repeat of a member: its escalation hears it as long as it is open. Else it begins anew, as any other.
func (c *conversation) firesAgain(seq int64, in service.Incoming, fired bool) (heard bool, err error) {
	if c.alert.Escalation != nil {
		if h := c.holders[*c.alert.Escalation]; h != nil {
			if g := c.groups[c.alert.GroupKey]; g != nil && g.held == h {
				g.last = in.ReceivedAt
			}
			if !fired {
				c.members[h.Number]++
			}
			c.alert.Firing, c.alert.Since, c.alert.Seq = true, in.ReceivedAt, seq
			c.keepAlert()
			return true, c.join(h, seq, in)
		}
	}
	c.restored()
	return false, nil
}

// ends takes a resolve: of what waits, it is the end of the story; of a member, perhaps that of the group.
func (c *conversation) ends(event sqlc.ConversationRow, in service.Incoming) error {
	var watched *org.Flapping
	if in.Route != nil {
		watched = in.Route.Flapping
	}
	fired := c.alert.Firing
	if !event.Ripened {
		c.changes(watched, in.ReceivedAt, false)
	}
	switch c.alert.State {
	case delayed, muted, counted:
		if c.held == nil {
			c.settled.add(event.Seq, 0, "over before anybody was told")
			c.restored()
			return nil
		}
	case member:
		if c.held != nil { // one of its own, opened beside the group while the records were away
			if err := c.tell(c.held, event.Seq, contract.Resolve, in); err != nil {
				return err
			}
		}
		return c.leaves(event.Seq, in, fired)
	}
	if c.held != nil && !event.Ripened && watched != nil && len(c.alert.Changes) > watched.Changes {
		return c.flaps(event.Seq, in, *watched)
	}
	c.restored()
	return c.address(c.held, event.Seq, contract.Resolve, in)
}

// leaves: the group's escalation ends with its last member.
func (c *conversation) leaves(seq int64, in service.Incoming, fired bool) error {
	var h *holder
	if c.alert.Escalation != nil {
		h = c.holders[*c.alert.Escalation]
		if fired {
			c.members[*c.alert.Escalation]--
		}
	}
	number := c.alert.Escalation
	c.restored()
	if h == nil {
		c.settled.add(seq, 0, "nothing was open to resolve")
		return nil
	}
	if left := c.members[*number]; left > 0 {
		c.settled.add(seq, *number, fmt.Sprintf("%d others of its group still fire", left))
		c.touch(number)
		return nil
	}
	for _, g := range c.groups {
		if g.held == h {
			g.held = nil
		}
	}
	return c.address(h, seq, contract.Resolve, in)
}

// changes notes that an alert went from quiet to firing or back, where that is watched.
func (c *conversation) changes(watched *org.Flapping, at time.Time, firing bool) {
	was := c.alert.Firing && c.alert.kept
	c.alert.Firing = firing
	if watched == nil {
		c.alert.Changes = nil
		return
	}
	c.alert.Changes = slices.DeleteFunc(c.alert.Changes, func(t time.Time) bool { return at.Sub(t) > watched.Within })
	if was == firing {
		return
	}
	c.alert.Changes = append(c.alert.Changes, at)
	if over := len(c.alert.Changes) - watched.Changes - 1; over > 0 {
		c.alert.Changes = c.alert.Changes[over:]
	}
	c.within = watched.Within
}

// flaps keeps an escalation open although its alert is quiet: it will fire again before anybody has looked.
func (c *conversation) flaps(seq int64, in service.Incoming, watched org.Flapping) error {
	due := in.ReceivedAt.Add(watched.Within)
	first := c.alert.State != flapping
	c.alert.State, c.alert.Seq, c.alert.Since, c.alert.DueAt = flapping, seq, in.ReceivedAt, &due
	c.keepAlert()
	number := c.held.Number
	c.settled.add(seq, number, fmt.Sprintf("flapping: kept open until it is quiet for %s", watched.Within))
	c.touch(&number)
	if !first {
		return nil
	}
	payload, err := document(service.Saying{Verb: contract.Note, Word: contract.Word{
		By: "monitor", Via: "events", Key: fmt.Sprintf("flapping/%d", seq), At: in.ReceivedAt,
		Note: fmt.Sprintf("flapping: more than %d changes within %s; kept open until it is quiet for as long", watched.Changes, watched.Within),
	}})
	if err != nil {
		return err
	}
	c.errand(number, c.held.Priority, kindSay, payload)
	return nil
}

// keepAlert has the row written, or deleted when nothing stands in it.
func (c *conversation) keepAlert() { c.alertDirty = true }

func (c *conversation) writeAlert() {
	a := &c.alert
	if !c.alertDirty || c.dedupKey == "" {
		return
	}
	if a.State == plain && len(a.Changes) == 0 {
		if a.kept {
			c.pending.Queue(sqlc.ForgetAlert, c.service, c.dedupKey)
		}
		return
	}
	number := int64(0)
	if a.Escalation != nil {
		number = *a.Escalation
	}
	if a.State == plain {
		due := a.Changes[len(a.Changes)-1].Add(c.within)
		a.Since, a.DueAt = a.Changes[len(a.Changes)-1], &due // then it is forgotten
	}
	if a.Changes == nil {
		a.Changes = []time.Time{}
	}
	c.pending.Queue(sqlc.KeepAlert, c.service, c.dedupKey, a.State, a.Firing, a.Seq, a.Severity, a.GroupKey, a.MutedBy, number,
		a.Changes, a.Since, a.DueAt)
}

// Ripen makes events again of what is due: delayed alerts, and the end of what was flapping. They are settled as any other.
func (i Inbox) Ripen(ctx context.Context, at time.Time, delayed []int64, lim int) ([]int64, error) {
	seqs, err := sqlc.New(i.Pool).RipenAlerts(ctx, sqlc.RipenAlertsParams{
		At: at, AllDelayed: delayed == nil, Delayed: append([]int64{}, delayed...), Lim: limit(lim, 100, 1000),
	})
	return seqs, faulty(err, "find what is due")
}

// Forget removes members of groups that are over, which joined before an instant. It answers how many.
func (i Inbox) Forget(ctx context.Context, before time.Time, lim int) (int, error) {
	gone, err := sqlc.New(i.Pool).ForgetMembers(ctx, before, limit(lim, 100, 1000))
	return int(gone), faulty(err, "forget members of groups that are over")
}

// Delayed lists what was delayed and is due, oldest first.
func (i Inbox) Delayed(ctx context.Context, at time.Time, lim int) ([]service.Muted, error) {
	rows, err := sqlc.New(i.Pool).DelayedAlerts(ctx, at, limit(lim, 100, 1000))
	if err != nil {
		return nil, faulty(err, "list what was delayed")
	}
	out := make([]service.Muted, 0, len(rows))
	for _, r := range rows {
		in, err := incomingOf(sqlc.ConversationRow(r))
		if err != nil {
			in.Route = nil // as among those that are muted
		}
		out = append(out, service.Muted{Seq: r.Seq, Incoming: in})
	}
	return out, nil
}

// Mute leaves to a window what was delayed and is due.
func (i Inbox) Mute(ctx context.Context, seq int64, window id.Window) error {
	note := fmt.Sprintf("delayed, then muted by maintenance window %q until it ends", window)
	err := sqlc.New(i.Pool).MuteDelayed(ctx, note, string(window), seq)
	return faulty(err, "mute event %d", seq)
}

// Muted lists what is muted by windows other than these, oldest first.
func (i Inbox) Muted(ctx context.Context, open []id.Window, lim int) ([]service.Muted, error) {
	names := make([]string, len(open))
	for n, w := range open {
		names[n] = string(w)
	}
	rows, err := sqlc.New(i.Pool).MutedAlerts(ctx, names, limit(lim, 100, 1000))
	if err != nil {
		return nil, faulty(err, "list what windows mute")
	}
	out := make([]service.Muted, 0, len(rows))
	for _, r := range rows {
		in, err := incomingOf(sqlc.ConversationRow(r))
		if err != nil {
			in.Route = nil // no window can be held against it: it is let go, and holds up no other
		}
		out = append(out, service.Muted{Seq: r.Seq, Incoming: in})
	}
	return out, nil
}

// Unmute makes an event again of a muted one, or leaves it to another window.
func (i Inbox) Unmute(ctx context.Context, seq int64, window id.Window, at time.Time) error {
	q := sqlc.New(i.Pool)
	if window != "" {
		return faulty(q.MuteAnew(ctx, string(window), seq), "mute event %d", seq)
	}
	_, err := q.UnmuteAlert(ctx, at, seq)
	return faulty(err, "unmute event %d", seq)
}
