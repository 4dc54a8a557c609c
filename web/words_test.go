package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/org"
)

func TestDurationsAreSaidAsPeopleSayThem(t *testing.T) {
	for d, words := range map[time.Duration]string{
		0: "0 s", 12 * time.Second: "12 s", 59*time.Second + 999*time.Millisecond: "59 s", time.Minute: "1 min",
		4*time.Minute + 32*time.Second: "4 min 32 s", 23*time.Minute + 5*time.Second: "23 min", time.Hour: "1 h",
		65 * time.Minute: "1 h 5 min", 24 * time.Hour: "1 d", 76 * time.Hour: "3 d 4 h", -12 * time.Second: "12 s",
	} {
		require.Equal(t, words, frame{}.span(d))
	}
	at := time.Date(2026, 11, 24, 2, 15, 0, 0, time.UTC)
	require.Equal(t, "in 1 s", frame{Now: at.Add(-time.Second)}.due(at))
	require.Equal(t, "now", frame{Now: at.Add(4 * time.Second)}.due(at))
	require.Equal(t, "late by 12 s", frame{Now: at.Add(12 * time.Second)}.due(at))
	require.Equal(t, "just now", frame{Now: at.Add(-time.Hour)}.ago(at), "clocks differ")
	require.Equal(t, "5 min ago", frame{Now: at.Add(5*time.Minute + 7*time.Second)}.ago(at))
}

func TestAShortenedTextIsABeginningOfTheText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, most := rapid.String().Draw(t, "text"), rapid.IntRange(1, 30).Draw(t, "most")
		short := []rune(shorten(text, most))
		whole := []rune(text)
		require.LessOrEqual(t, len(short), most)
		if len(whole) <= most {
			require.Equal(t, text, string(short))
			return
		}
		require.Equal(t, '…', short[len(short)-1])
		require.Equal(t, string(whole[:most-1]), string(short[:most-1]))
	})
}

func TestEveryStateKindAndPriorityHasItsOwnMark(t *testing.T) {
	marks := map[string]bool{}
	for _, p := range []escalation.Phase{escalation.Open, escalation.Watched, escalation.Acked, escalation.ResolvedP, escalation.Closed} {
		require.False(t, marks[stateMark(p)], "colour must not be the only difference")
		marks[stateMark(p)] = true
		require.NotEqual(t, string(p), frame{}.stateWord(p))
	}
	for _, k := range []escalation.EntryKind{
		escalation.EntryOpened, escalation.EntryTier, escalation.EntrySent, escalation.EntryReceipt, escalation.EntrySkipped,
		escalation.EntryAcknowledged, escalation.EntryResolved, escalation.EntryReopened, escalation.EntryClosed,
		escalation.EntryEscalated, escalation.EntryReassigned, escalation.EntrySnoozed, escalation.EntryNoted,
		escalation.EntryPrioritised, escalation.EntryRepeated, escalation.EntryOverdue, escalation.EntryVendor,
		escalation.EntryUnreachable, escalation.EntryWarning, escalation.EntryRefused,
	} {
		require.NotEqual(t, "·", entryMark(k), k)
	}
	for _, p := range org.Priorities() {
		require.NotEmpty(t, priorityClass(p))
	}
}

func TestEveryNextActionIsSaidInWords(t *testing.T) {
	f := frame{org: &org.Org{}}
	for action, words := range map[string]string{
		"page": "Page Ana by SMS", "climb": "Climb to Ana by SMS", "update_due": "Ask Ana by SMS for an update",
		"resolve_due": "Resolve due: climb again", "promise_due": "Promise of Ana by SMS due", "wake": "Snooze ends",
		"close": "Close for good", "none": "Nothing by itself", "": "Nothing by itself",
	} {
		require.Equal(t, words, f.next(escalation.Summary{Next: escalation.Next{Action: action, Target: "Ana by sms"}}))
		require.NotContains(t, f.next(escalation.Summary{Next: escalation.Next{Action: action}}), "  ")
	}
}

func TestTheLadderKeepsWhatInformsApart(t *testing.T) {
	entries := []escalation.Entry{
		{Seq: 1, Kind: escalation.EntryTier, Text: "tier 1 is called"},
		{Seq: 2, Kind: escalation.EntrySent, Key: "a", Via: "sms", Detail: map[string]string{"person": "ana", "purpose": "page"}},
		{Seq: 3, Kind: escalation.EntryReceipt, Key: "a", Detail: map[string]string{"status": "undelivered", "code": "30034"}},
		{Seq: 4, Kind: escalation.EntrySent, Key: "b", Via: "voice", Detail: map[string]string{"person": "ana", "purpose": "page"}},
		{Seq: 5, Kind: escalation.EntryAcknowledged, Text: "Ben has it"},
		{Seq: 6, Kind: escalation.EntrySent, Key: "c", Via: "sms", Detail: map[string]string{"person": "ana", "purpose": "inform"}},
	}
	rungs := ladder(entries)
	require.Len(t, rungs, 1)
	require.Len(t, rungs[0].People, 1)
	require.Len(t, rungs[0].People[0].Messages, 2)
	fate, class := rungs[0].People[0].Messages[0].fate()
	require.Equal(t, "✕ undelivered 30034", fate)
	require.Equal(t, "bad", class)
	require.Equal(t, "Ben has it", rungs[0].Ended.Text)
	require.Len(t, ladder(entries[1:]), 1, "what came before the first tier has a place too")
	require.Empty(t, ladder(nil))
}
