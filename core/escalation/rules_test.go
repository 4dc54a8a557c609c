package escalation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/page"
)

func under(rules int) func(*Opening) { return func(o *Opening) { o.Rules = rules } }

// told is a night in which Ana was told by text; the tier gives her so long.
func told(t *testing.T, rules int, within time.Duration) (n *night, sent Entry) {
	n = newNight(t, under(rules), func(o *Opening) { o.Plan.Tiers[0].AckWithin = within })
	for _, effect := range n.done {
		if r, ok := effect.(Record); ok && r.Entry.Kind == EntrySent {
			return n, r.Entry
		}
	}
	t.Fatal("nobody was told")
	return n, sent
}

func (n *night) receives(key string, status page.Status, class page.Class) Record {
	return find[Record](n.hears(time.Second, func(at time.Time) Event {
		return Reported{At: at, Receipt: page.Receipt{Key: key, Status: status, Class: class}}
	}))
}

func TestGoodNewsWaitsForTheNextEntryAndBadNewsDoesNot(t *testing.T) {
	for name, c := range map[string]struct {
		rules  int
		within time.Duration
		status page.Status
		class  page.Class
		want   Keeping
	}{
		"accepted":                     {2, 5 * time.Minute, page.Accepted, page.Pending, Along},
		"delivered":                    {2, 5 * time.Minute, page.Delivered, page.Arrived, Along},
		"undelivered":                  {2, 5 * time.Minute, page.Undelivered, page.Dead, Promptly},
		"busy":                         {2, 5 * time.Minute, page.Busy, page.Transient, Promptly},
		"nothing else is due for long": {2, time.Hour, page.Delivered, page.Arrived, Promptly},
		"under the first rules":        {1, 5 * time.Minute, page.Delivered, page.Arrived, Promptly},
	} {
		n, sent := told(t, c.rules, c.within)
		got := n.receives(sent.Key, c.status, c.class)
		require.Equal(t, EntryReceipt, got.Entry.Kind, name)
		require.Equal(t, c.want, got.Keeping, name)
	}
}

// What is read before it is written is what will be written.
func TestAReceiptReadsTheSameBeforeItIsWritten(t *testing.T) {
	n, sent := told(t, 2, 5*time.Minute)
	receipt := page.Receipt{Key: sent.Key, Status: page.Delivered, Class: page.Arrived, Provider: "twilio", ProviderID: "SM1", At: n.now.Add(time.Second)}
	before := Heard(sent, receipt)
	after := find[Record](n.hears(time.Second, func(at time.Time) Event { return Reported{At: at, Receipt: receipt} })).Entry
	require.Zero(t, before.Seq)
	before.Seq = after.Seq
	require.Equal(t, after, before)
}

// At CloseAt it is over, in whichever order the clock and a human are heard: both orders leave the same entries.
func TestAnEndIsTheSameInEitherOrder(t *testing.T) {
	play := func(first, second func(at time.Time) Event) []Entry {
		n := newNight(t, under(2))
		n.hears(time.Minute, func(at time.Time) Event { return Resolved{At: at, Answer: Answer{By: "ana"}} })
		late := n.state.CloseAt.Add(3 * time.Second)
		var entries []Entry
		for _, e := range []Event{first(late), second(late)} {
			var effects []Effect
			n.state, effects = Step(n.state, e)
			for _, effect := range effects {
				if r, ok := effect.(Record); ok {
					entries = append(entries, r.Entry)
					require.Equal(t, Certain, r.Keeping)
				}
			}
		}
		require.Equal(t, Closed, n.state.Phase)
		return entries
	}
	tick := func(at time.Time) Event { return Ticked{At: at} }
	reopen := func(at time.Time) Event { return Reopened{At: at, Answer: Answer{By: "ana", Key: "k"}} }
	want := play(tick, reopen)
	require.Len(t, want, 1)
	require.Equal(t, EntryClosed, want[0].Kind)
	require.Equal(t, want, play(reopen, tick))
}

func TestUnderTheFirstRulesALateReopenStillOpens(t *testing.T) {
	n := newNight(t)
	n.hears(time.Minute, func(at time.Time) Event { return Resolved{At: at, Answer: Answer{By: "ana"}} })
	n.state, _ = Step(n.state, Reopened{At: n.state.CloseAt.Add(time.Second), Answer: Answer{By: "ana", Key: "k"}})
	require.Equal(t, Open, n.state.Phase)
}

// An answer that is overtaken by the end, or simply late, is on record all the same.
func TestAnAckAfterTheEndIsOnRecord(t *testing.T) {
	n := newNight(t, under(2))
	n.hears(time.Minute, func(at time.Time) Event { return Resolved{At: at, Answer: Answer{By: "monitor"}} })
	effects := n.hears(time.Second, func(at time.Time) Event {
		return Acknowledged{At: at, Answer: Answer{By: "ana", Name: "Ana", Key: "SM1"}}
	})
	require.Equal(t, Refused, find[Reply](effects).Outcome)
	require.Equal(t, EntryRefused, find[Record](effects).Entry.Kind)
	require.Equal(t, "SM1", find[Record](effects).Entry.Key)
	require.Empty(t, find[Send](effects).Key)
}
