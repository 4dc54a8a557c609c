package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// led is an event of the alert "disk" that came so long after noon, while the records were away.
func led(action alert.Action, after time.Duration, e id.Escalation, opened bool) contract.Led {
	in := event(action, "disk", alert.Error)
	in.ReceivedAt = noon.Add(after)
	l := contract.Led{Escalation: e, Event: contract.Event{
		Integration: in.Integration, Service: in.Service, Format: in.Format, Alert: in.Alert, Raw: in.Raw, ReceivedAt: in.ReceivedAt,
	}}
	if opened {
		start, _ := open(e, in) // never fails
		l.Start = &start
	}
	return l
}

func (d door) reconciles(events ...contract.Led) {
	d.t.Helper()
	require.NoError(d.t, d.inbox.Reconcile(context.Background(), contract.Reconcile{Service: "payments", DedupKey: "disk", Led: events}))
}

func (d door) row(e id.Escalation) service.Escalation {
	d.t.Helper()
	row, err := store.Escalations{Pool: d.inbox.Pool}.Get(context.Background(), e)
	require.NoError(d.t, err)
	return row
}

func (d door) holder() int {
	d.t.Helper()
	return number(d.t, d.inbox.Pool, "select coalesce((select number from escalations where dedup_held and dedup_key = 'disk'), 0)")
}

func (d door) records(e id.Escalation, phase escalation.Phase, seq int) {
	d.t.Helper()
	require.NoError(d.t, store.Journal{Pool: d.inbox.Pool}.Write(context.Background(), contract.Record{
		Summary: escalation.Summary{ID: e, State: phase, Title: "disk full", Service: "payments", Priority: "P1", OpenedAt: noon, Seq: seq},
	}))
}

func TestWhatCameInTheDarkIsWrittenOnceAndHoldsItsKey(t *testing.T) {
	d := newDoor(t)
	opened := led(alert.Trigger, 0, "E-900", true)
	repeat := led(alert.Trigger, time.Second, "E-900", false)
	repeat.Count = 4
	for range 2 { // the engine may do it twice
		d.reconciles(opened, repeat)
	}
	require.Equal(t, 2, number(t, d.inbox.Pool, "select count(*) from inbox where settled_at is not null and escalation = 900"))
	require.Equal(t, 5, number(t, d.inbox.Pool, "select repeats from escalations where number = 900"))
	require.Equal(t, 900, d.holder())
	require.Empty(t, d.undone(), "the engine knows it all")
	require.Equal(t, "Payments", d.row("E-900").ServiceName)

	require.Empty(t, d.hears(alert.Trigger, "disk", alert.Error), "joined: only counted")
	require.Equal(t, []string{"repeat E-900 ×1 error", "resolve E-900 by monitor via events"}, d.hears(alert.Resolve, "disk", ""))
	require.Zero(t, d.holder())
}

func TestTheRecorderMayHaveBeenFirst(t *testing.T) {
	d := newDoor(t)
	d.records("E-900", escalation.Acked, 7)
	d.reconciles(led(alert.Trigger, 0, "E-900", true))
	row := d.row("E-900")
	require.Equal(t, escalation.Acked, row.State, "the row is the recorder's")
	require.Equal(t, 7, row.Seq)
	require.Equal(t, "disk", row.DedupKey, "what came in is ours")
	require.Equal(t, 900, d.holder())
}

func TestAKeyIsNotHeldBySomethingOver(t *testing.T) {
	d := newDoor(t)
	d.records("E-900", escalation.ResolvedP, 9)
	d.reconciles(led(alert.Trigger, 0, "E-900", true))
	require.Zero(t, d.holder())

	d.reconciles(led(alert.Trigger, time.Minute, "E-901", true), led(alert.Resolve, 2*time.Minute, "E-901", false))
	require.Zero(t, d.holder(), "the monitor has ended it")
	require.Equal(t, []string{"open E-1"}, d.hears(alert.Trigger, "disk", alert.Error))
}

// A batch that is written again must not take back a key that was freed since.
func TestWrittenAgainLaterItTakesNothingBack(t *testing.T) {
	d := newDoor(t)
	d.reconciles(led(alert.Trigger, 0, "E-900", true))
	d.hears(alert.Resolve, "disk", "")
	d.reconciles(led(alert.Trigger, 0, "E-900", true))
	require.Zero(t, d.holder())
}

func TestAnEventThatWasAcceptedAfterAllIsSettledNotDoubled(t *testing.T) {
	d := newDoor(t)
	d.says(event(alert.Trigger, "disk", alert.Error)) // committed; its sender was never answered
	d.reconciles(led(alert.Trigger, 0, "E-900", true))
	require.Equal(t, 1, number(t, d.inbox.Pool, "select count(*) from inbox"))
	waiting, err := d.inbox.Unsettled(context.Background(), 0, 0)
	require.NoError(t, err)
	require.Empty(t, waiting)
	require.Equal(t, 900, d.holder())
}

func TestWhatWaitedFromBeforeBelongsToWhatIsOpenNow(t *testing.T) {
	d := newDoor(t)
	d.says(event(alert.Resolve, "disk", ""))
	d.says(event(alert.Trigger, "disk", alert.Error))
	d.reconciles(led(alert.Trigger, time.Minute, "E-900", true))
	require.Equal(t, 1, number(t, d.inbox.Pool, "select count(*) from inbox where note like 'overtaken%' and escalation is null"))
	require.Equal(t, 2, number(t, d.inbox.Pool, "select count(*) from inbox where escalation = 900"))
	require.Equal(t, 900, d.holder())
}

// The lights went out between settling and starting: nobody has heard of E-1, and its alert has been taken since.
func TestWhatWasNumberedAndNeverOpenedGivesWay(t *testing.T) {
	d := newDoor(t)
	require.Equal(t, []string{"open E-1"}, d.hears(alert.Trigger, "disk", alert.Error))
	for range 2 {
		d.reconciles(led(alert.Trigger, time.Minute, "E-900", true))
	}
	require.Equal(t, []string{"resolve E-1 by belay via events"}, words(d.undone()), "it is not opened any more, and over if somebody is opening it just now")
	require.Equal(t, escalation.Closed, d.row("E-1").State)
	line, err := store.Escalations{Pool: d.inbox.Pool}.Timeline(context.Background(), "E-1", 0, 0)
	require.NoError(t, err)
	require.Len(t, line, 1)
	require.Contains(t, line[0].Text, "E-900")
	require.Equal(t, 900, d.holder())
}

// Two doors: one took the alert in the dark, the other its end in the light, before it knew of the conversation.
func TestAnEndThatCameByAnotherDoorEndsIt(t *testing.T) {
	d := newDoor(t)
	end := event(alert.Resolve, "disk", "")
	end.ReceivedAt = noon.Add(2 * time.Second)
	d.strikes(d.settles(d.says(end))...)
	for range 2 {
		d.reconciles(led(alert.Trigger, time.Second, "E-900", true))
	}
	require.Equal(t, []string{"resolve E-900 by monitor via events"}, words(d.undone()))
	require.Zero(t, d.holder())

	d.reconciles(led(alert.Trigger, 3*time.Second, "E-901", true))
	require.Equal(t, 901, d.holder(), "an end from before it fired is not its end")
}

// The alert was accepted in the light and not opened yet, its end came in the dark: the engine knew nothing to end.
func TestAnEndInTheDarkEndsWhatWasNotOpenedYet(t *testing.T) {
	d := newDoor(t)
	require.Equal(t, []string{"open E-1"}, d.hears(alert.Trigger, "disk", alert.Error))
	for range 2 {
		d.reconciles(led(alert.Resolve, time.Minute, "", false))
	}
	require.Equal(t, []string{"open E-1", "resolve E-1 by monitor via events"}, words(d.undone()), "it begins with its end, and tells nobody")
	require.Zero(t, d.holder())
	require.Equal(t, 2, number(t, d.inbox.Pool, "select count(*) from inbox where escalation = 1"))

	require.Equal(t, []string{"open E-2"}, d.hears(alert.Trigger, "disk", alert.Error), "the next is a new one")
	d.reconciles(led(alert.Resolve, -time.Minute, "", false))
	require.Equal(t, 2, d.holder(), "an end from before it fired is not its end")
	d.reconciles(led(alert.Acknowledge, 2*time.Minute, "", false))
	require.Equal(t, 2, d.holder())
	require.Contains(t, words(d.undone()), "acknowledge E-2 by monitor via events")
}

// The alert was accepted, and to settle it failed: the disk was full. Its end came in the dark.
func TestAnEndInTheDarkEndsWhatWasAcceptedAndNotSettled(t *testing.T) {
	d := newDoor(t)
	seq := d.says(event(alert.Trigger, "disk", alert.Error))
	for range 2 {
		d.reconciles(led(alert.Resolve, time.Minute, "", false))
	}
	require.Equal(t, 2, number(t, d.inbox.Pool, "select count(*) from inbox where settled_at is null"), "what was accepted is settled, in order")
	d.settles(seq)
	require.Equal(t, []string{"open E-1"}, words(d.undone()))
	d.reconciles(led(alert.Resolve, time.Minute, "", false))
	require.Equal(t, []string{"open E-1", "resolve E-1 by monitor via events"}, words(d.undone()))
	require.Zero(t, d.holder())
	require.Equal(t, 2, number(t, d.inbox.Pool, "select count(*) from inbox where escalation = 1"))
}

func TestAnAcknowledgeInTheDarkSwallowsNoAlertThatWaits(t *testing.T) {
	d := newDoor(t)
	d.says(event(alert.Trigger, "disk", alert.Error))
	d.reconciles(led(alert.Acknowledge, -time.Minute, "", false))
	require.Equal(t, 1, number(t, d.inbox.Pool, "select count(*) from inbox where settled_at is null and action = 'trigger'"), "older than the alert")
	d.reconciles(led(alert.Acknowledge, time.Minute, "", false))
	seq := number(t, d.inbox.Pool, "select max(seq) from inbox")
	require.Equal(t, []string{"open E-1", "acknowledge E-1 by monitor via events"}, words(d.settles(int64(seq))))
	require.Equal(t, 1, d.holder())
}

// The answer to a settling was lost, and the event went another way as well: one event, two escalations.
func TestAnEventThatWasSettledAfterAllOpensOneEscalation(t *testing.T) {
	t.Run("not opened yet", func(t *testing.T) {
		d := newDoor(t)
		require.Equal(t, []string{"open E-1"}, d.hears(alert.Trigger, "disk", alert.Error))
		for range 2 {
			d.reconciles(led(alert.Trigger, 0, "E-900", true))
		}
		require.Equal(t, []string{"resolve E-1 by belay via events"}, words(d.undone()))
		require.Equal(t, escalation.Closed, d.row("E-1").State)
		require.Equal(t, 900, d.holder())
		require.Equal(t, 1, number(t, d.inbox.Pool, "select count(*) from inbox where escalation = 900"))
		require.Equal(t, 1, number(t, d.inbox.Pool, "select count(*) from inbox"))
	})
	t.Run("opened", func(t *testing.T) {
		d := newDoor(t)
		d.strikes(d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))...)
		for range 2 {
			d.reconciles(led(alert.Trigger, 0, "E-900", true))
		}
		require.Equal(t, []string{"resolve E-1 by belay via events"}, words(d.undone()))
		require.Equal(t, 900, d.holder())
	})
	t.Run("and ended", func(t *testing.T) {
		d := newDoor(t)
		d.strikes(d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))...)
		end := event(alert.Resolve, "disk", "")
		end.ReceivedAt = noon.Add(time.Second)
		d.strikes(d.settles(d.says(end))...)
		d.reconciles(led(alert.Trigger, 0, "E-900", true))
		require.Equal(t, []string{"resolve E-900 by monitor via events"}, words(d.undone()))
		require.Zero(t, d.holder())
	})
}

func TestOfTwoForOneAlertTheOlderStays(t *testing.T) {
	d := newDoor(t)
	d.strikes(d.settles(d.says(event(alert.Trigger, "disk", alert.Error)))...)
	d.reconciles(led(alert.Trigger, time.Minute, "E-900", true))
	require.Equal(t, []string{"resolve E-900 by belay via events"}, words(d.undone()))
	require.Equal(t, 1, d.holder())
}

func TestOfTwoForOneAlertTheYoungerGoes(t *testing.T) {
	d := newDoor(t)
	late := event(alert.Trigger, "disk", alert.Error)
	late.ReceivedAt = noon.Add(time.Hour)
	d.strikes(d.settles(d.says(late))...)
	d.reconciles(led(alert.Trigger, time.Minute, "E-900", true))
	require.Equal(t, []string{"resolve E-1 by belay via events"}, words(d.undone()))
	require.Equal(t, 900, d.holder())
}

func TestReservedNumbersAreNobodyElses(t *testing.T) {
	d := newDoor(t)
	reserved, err := d.inbox.Reserve(context.Background(), 3)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3}, reserved)
	require.Equal(t, []string{"open E-4"}, d.hears(alert.Trigger, "disk", alert.Error))
}
