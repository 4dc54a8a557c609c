package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// ranked opens escalations of a service of impact 1: critical is P1, info is P4.
func ranked(e id.Escalation, in service.Incoming) (contract.Start, error) {
	start, err := open(e, in)
	start.Opening.Plan.Priority = alert.Priority(1, in.Alert.Severity)
	return start, err
}

// opens an alert of this severity for each; they become E-1, E-2, …
func (d door) opens(severities ...alert.Severity) {
	d.t.Helper()
	for n, severity := range severities {
		_, err := d.inbox.Settle(context.Background(), d.says(event(alert.Trigger, fmt.Sprintf("%s-%d", severity, n), severity)), ranked)
		require.NoError(d.t, err)
	}
}

func (d door) takes(t service.Turn) []string {
	d.t.Helper()
	errands, err := d.inbox.Take(context.Background(), t)
	require.NoError(d.t, err)
	return words(errands)
}

func TestTheMostUrgentAreTakenFirstThenTheOldest(t *testing.T) {
	d := newDoor(t)
	d.opens(alert.Warning, alert.Info, alert.Error, alert.Critical, alert.Error, alert.Critical)
	turn := service.Turn{Hold: time.Hour, Urgent: 1, Others: 3}
	require.Equal(t, []string{"open E-4", "open E-3", "open E-5", "open E-1"}, d.takes(turn),
		"one P1, the oldest of the others whatever it is, and two by priority")
	require.Equal(t, []string{"open E-6", "open E-2"}, d.takes(turn))
	require.Empty(t, d.takes(turn), "all are held")
}

func TestNobodyWaitsForEver(t *testing.T) {
	d := newDoor(t)
	d.opens(alert.Info, alert.Error, alert.Error, alert.Error, alert.Error)
	require.Equal(t, []string{"open E-2", "open E-1"}, d.takes(service.Turn{Hold: time.Hour, Others: 2}), "the P4 goes with the first P2")
}

func TestWithoutAPlaceOnlyThoseThatRunAreTold(t *testing.T) {
	d := newDoor(t)
	d.opens(alert.Error, alert.Critical)
	d.strikes(d.undone()...)
	d.opens(alert.Info)
	d.settles(d.says(event(alert.Acknowledge, "error-0", alert.Error)))
	require.Equal(t, []string{"acknowledge E-1 by monitor via events"}, d.takes(service.Turn{Urgent: 0, Others: 0, Words: 9}))
}

func TestWhatOneRelayHoldsAnotherLeavesAlone(t *testing.T) {
	d := newDoor(t)
	d.opens(alert.Error)
	turn := service.Turn{Hold: time.Hour, Urgent: 9, Others: 9, Words: 9}
	require.Equal(t, []string{"open E-1"}, d.takes(turn))
	d.settles(d.says(event(alert.Acknowledge, "error-0", alert.Error)))
	require.Empty(t, d.takes(turn), "a word does not overtake the start that somebody is at")

	_, err := d.inbox.Pool.Exec(context.Background(), "update errands set held_until = clock_timestamp() - interval '1 second'")
	require.NoError(t, err)
	require.Equal(t, []string{"open E-1", "acknowledge E-1 by monitor via events"}, d.takes(turn), "whoever held it has died")
}

func TestTheCrowdIsWhatWasStartedAndHasNotBeenHeardOf(t *testing.T) {
	d := newDoor(t)
	ctx := context.Background()
	crowd := func() service.Crowd {
		c, err := d.inbox.Crowd(ctx, 0, time.Minute)
		require.NoError(t, err)
		return c
	}
	d.opens(alert.Critical, alert.Error, alert.Info)
	require.Equal(t, service.Crowd{Waiting: true}, crowd())
	d.strikes(d.undone()...)
	require.Equal(t, service.Crowd{Urgent: 1, All: 3}, crowd())
	require.NoError(t, store.Journal{Pool: d.inbox.Pool}.Write(ctx, contract.Record{Summary: summary("E-1", 1, escalation.Open)}))
	require.Equal(t, service.Crowd{All: 2}, crowd(), "its first line is on record")
	_, err := d.inbox.Pool.Exec(ctx, "update errands set done_at = clock_timestamp() - interval '1 hour'")
	require.NoError(t, err)
	require.Zero(t, crowd(), "one that is never heard of does not take a place for ever")
}

func TestAStartThatWasPutAsideWaitsForNobodysTurn(t *testing.T) {
	d := newDoor(t)
	ctx := context.Background()
	waiting := func() bool {
		c, err := d.inbox.Crowd(ctx, 0, 10*time.Second)
		require.NoError(t, err)
		return c.Waiting
	}
	d.opens(alert.Error)
	turn := service.Turn{Hold: 3 * time.Second, Urgent: 9, Others: 9, Words: 9}
	require.Equal(t, []string{"open E-1"}, d.takes(turn))
	require.True(t, waiting(), "somebody is at it")
	require.NoError(t, d.inbox.Aside(ctx, 1, time.Minute))
	require.False(t, waiting())
	require.Empty(t, d.takes(turn))

	_, err := d.inbox.Pool.Exec(ctx, "update errands set held_until = clock_timestamp() - interval '1 second'")
	require.NoError(t, err)
	require.True(t, waiting(), "it is tried again")
	require.Equal(t, []string{"open E-1"}, d.takes(turn))
}

func TestManyConversationsAreSettledTogetherAsEachAlone(t *testing.T) {
	d := newDoor(t)
	var seqs []int64
	for _, in := range []service.Incoming{
		event(alert.Trigger, "a", alert.Error), event(alert.Trigger, "b", alert.Error), event(alert.Trigger, "a", alert.Critical),
		event(alert.Resolve, "b", alert.Error), event(alert.Trigger, "b", alert.Error), event(alert.Trigger, "", alert.Error),
		event(alert.Resolve, "c", alert.Error),
	} {
		seqs = append(seqs, d.says(in))
	}
	errands, err := d.inbox.SettleAll(context.Background(), seqs, open)
	require.NoError(t, err)
	require.ElementsMatch(t, []string{"open E-2", "repeat E-2 ×1 critical", "open E-3", "resolve E-3 by monitor via events", "open E-4", "open E-1"}, words(errands))
	require.Zero(t, number(t, d.inbox.Pool, "select count(*) from inbox where settled_at is null"))
	again, err := d.inbox.SettleAll(context.Background(), seqs, open)
	require.NoError(t, err)
	require.ElementsMatch(t, words(errands), words(again), "settled once")
}

func TestWhatFailsForOneFailsForAllWhoAreSettledTogether(t *testing.T) {
	d := newDoor(t)
	seqs := []int64{d.says(event(alert.Trigger, "a", alert.Error)), d.says(event(alert.Trigger, "b", alert.Error))}
	_, err := d.inbox.SettleAll(context.Background(), seqs, func(e id.Escalation, in service.Incoming) (contract.Start, error) {
		if in.Alert.DedupKey == "b" {
			return contract.Start{}, fault.New(fault.Internal, "b is beyond us")
		}
		return open(e, in)
	})
	require.ErrorContains(t, err, "beyond us")
	require.Equal(t, 2, number(t, d.inbox.Pool, "select count(*) from inbox where settled_at is null"))
	require.Zero(t, number(t, d.inbox.Pool, "select count(*) from escalations"))
}
