package chaos

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/bench"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

// night is a quiet one in which nothing went wrong: an alert that climbs three rungs, is acked and resolved; one that
// its monitor resolves; one that comes and goes while Temporal is away.
func night() (*Auditor, []Record) {
	a := &Auditor{Grace: Grace}
	ladder := Ladder{Rungs: 5, Step: 4 * time.Second}
	a.Accepted("climbs", ladder, at(0))
	a.Told(paged("climbs", "E-1/t1/ana/hook/1", 1, 0.1))
	a.Told(paged("climbs", "E-1/t2/ben/mobile/2", 2, 4.2))
	a.Told(paged("climbs", "E-1/t3/eva/hook/3", 3, 8.3))
	a.Ending("climbs", at(9))
	a.Acked("climbs", at(9.1))
	a.Over("climbs", at(11))
	a.Accepted("passes", ladder, at(20))
	a.Told(paged("passes", "E-2/t1/ana/hook/1", 1, 20.1))
	a.Ending("passes", at(22))
	a.Over("passes", at(22.1))
	mended := a.Broke("temporal", at(100))
	a.Accepted("unheard", ladder, at(101))
	a.Ending("unheard", at(103))
	a.Over("unheard", at(103))
	mended(at(120), at(125))
	return a, []Record{
		record("climbs", "E-1", "closed", "opened", "message E-1/t1/ana/hook/1", "message E-1/t2/ben/mobile/2", "message E-1/t3/eva/hook/3", "acknowledged", "resolved"),
		record("passes", "E-2", "resolved", "opened", "message E-2/t1/ana/hook/1", "resolved"),
		record("unheard", "E-3", "resolved", "opened", "resolved"),
		record("unheard", "E-4", "closed", "closed"), // numbered, and given up in favour of E-3
	}
}

func paged(title, key string, rung int, seconds float64) Message {
	return Message{Rung: rung, Step: stepOf(key), Message: bench.Message{Key: key, Title: title, Escalation: key[:3], Page: true, Arrived: at(seconds)}}
}

func record(title, escalation, state string, entries ...string) Record {
	r := Record{Title: title, Escalation: escalation, State: state}
	for i, e := range entries {
		kind, key := e, ""
		if len(e) > 8 && e[:8] == "message " {
			kind, key = "message", e[8:]
		}
		r.Entries = append(r.Entries, Entry{Seq: i + 1, At: at(float64(i)), Kind: kind, Key: key})
	}
	return r
}

func TestAQuietNightIsAllRight(t *testing.T) {
	a, records := night()
	a.Recorded(records)
	found := a.Findings()
	require.Zero(t, found.Mistakes(), "%s", found)
	require.Empty(t, found.Late)
	require.Equal(t, 3, found.Alerts)
	require.Equal(t, 100*time.Millisecond, found.Worst.Round(time.Millisecond))
}

// Each kind of wrong is planted into the same night, and found.
func TestTheAuditorFindsWhatIsPlanted(t *testing.T) {
	ladder := Ladder{Rungs: 5, Step: 4 * time.Second}
	for name, c := range map[string]struct {
		plant func(a *Auditor, r []Record) []Record
		want  string
	}{
		"an alert of which nobody heard": {func(a *Auditor, r []Record) []Record {
			a.Accepted("lost", ladder, at(30))
			return append(r, record("lost", "E-4", "open", "opened"))
		}, "1 lost (lost), 1 stopped climbing (lost before rung 1)"},
		"a ladder that stands still": {func(a *Auditor, r []Record) []Record {
			a.Accepted("stuck", ladder, at(30))
			a.Told(paged("stuck", "E-4/t1/ana/hook/1", 1, 30.1))
			return append(r, record("stuck", "E-4", "open", "opened", "message E-4/t1/ana/hook/1"))
		}, "1 stopped climbing (stuck before rung 2)"},
		"the same message twice": {func(a *Auditor, r []Record) []Record {
			a.Told(paged("climbs", "E-1/t2/ben/mobile/2", 2, 4.5))
			return r
		}, "1 told twice (E-1/t2/ben/mobile/2)"},
		"the same step under another number": {func(a *Auditor, r []Record) []Record {
			a.Told(paged("climbs", "E-1/t2/ben/mobile/9", 2, 4.5))
			r[0] = record("climbs", "E-1", "closed", "opened", "message E-1/t1/ana/hook/1", "message E-1/t2/ben/mobile/2", "message E-1/t2/ben/mobile/9", "message E-1/t3/eva/hook/3", "acknowledged")
			return r
		}, "1 told twice (E-1/t2/ben/mobile/2 and E-1/t2/ben/mobile/9)"},
		"two escalations of one alert": {func(a *Auditor, r []Record) []Record {
			return append(r, record("passes", "E-9", "closed", "opened", "resolved"))
		}, "1 split (passes)"},
		"a number given up, and nothing else of its alert": {func(a *Auditor, r []Record) []Record {
			r[2] = record("unheard", "E-3", "closed", "closed")
			return r
		}, "1 not on record (unheard)"},
		"a page after the ack": {func(a *Auditor, r []Record) []Record {
			a.Told(paged("climbs", "E-1/t4/last/hook/4", 5, 9.2))
			r[0] = record("climbs", "E-1", "closed", "opened", "message E-1/t1/ana/hook/1", "message E-1/t2/ben/mobile/2", "message E-1/t3/eva/hook/3", "acknowledged", "message E-1/t4/last/hook/4")
			return r
		}, "1 paged after the end (E-1/t4/last/hook/4)"},
		"a page long after its end": {func(a *Auditor, r []Record) []Record {
			a.Told(paged("passes", "E-2/t2/ben/mobile/2", 2, 33))
			r[1] = record("passes", "E-2", "closed", "opened", "message E-2/t1/ana/hook/1", "message E-2/t2/ben/mobile/2", "resolved")
			return r
		}, "1 paged after the end (E-2/t2/ben/mobile/2)"},
		"a page of what was over before Temporal was back": {func(a *Auditor, r []Record) []Record {
			a.Told(paged("unheard", "E-3/t1/ana/hook/1", 1, 125.2))
			r[2] = record("unheard", "E-3", "closed", "opened", "message E-3/t1/ana/hook/1", "resolved")
			return r
		}, "1 paged after the end (E-3/t1/ana/hook/1 (over before anybody could be told))"},
		"a message of nothing": {func(a *Auditor, r []Record) []Record {
			a.Told(paged("ghost", "E-8/t1/ana/hook/1", 1, 50))
			return r
		}, "1 sent by nobody (ghost)"},
		"a step six seconds late": {func(a *Auditor, r []Record) []Record {
			a.Accepted("slow", ladder, at(40))
			a.Told(paged("slow", "E-4/t1/ana/hook/1", 1, 46))
			a.Ending("slow", at(47))
			return append(r, record("slow", "E-4", "open", "opened", "message E-4/t1/ana/hook/1"))
		}, "1 late (E-4/t1/ana/hook/1 by 6s)"},
		"a step that never came before the answer": {func(a *Auditor, r []Record) []Record {
			a.Accepted("slow", ladder, at(40))
			a.Told(paged("slow", "E-4/t1/ana/hook/1", 1, 40.1))
			a.Ending("slow", at(60))
			return append(r, record("slow", "E-4", "open", "opened", "message E-4/t1/ana/hook/1"))
		}, "1 late (slow rung 2 never by 15.9s)"},
		"a step six seconds after recovery": {func(a *Auditor, r []Record) []Record {
			a.Accepted("dark", ladder, at(110))
			a.Told(paged("dark", "E-4/t1/ana/hook/1", 1, 131))
			a.Ending("dark", at(132))
			return append(r, record("dark", "E-4", "open", "opened", "message E-4/t1/ana/hook/1"))
		}, "1 late (E-4/t1/ana/hook/1 by 6s)"},
		"a gap in a timeline": {func(a *Auditor, r []Record) []Record {
			r[0].Entries[4].Seq = 7
			return r
		}, "1 timelines with gaps (E-1: entry 5 has number 7)"},
		"a timeline that runs backwards": {func(a *Auditor, r []Record) []Record {
			r[0].Entries[4].At = at(-1)
			return r
		}, "1 timelines with gaps (E-1: entry 5 is older than the one before)"},
		"a message that no timeline has": {func(a *Auditor, r []Record) []Record {
			r[1] = record("passes", "E-2", "resolved", "opened", "resolved")
			return r
		}, "1 not on record (E-2/t1/ana/hook/1)"},
		"an ack that left no trace": {func(a *Auditor, r []Record) []Record {
			r[0].Entries[4].Kind = "note"
			return r
		}, "1 not on record (ack of climbs)"},
		"an alert without a record": {func(a *Auditor, r []Record) []Record { return r[:2] }, "1 not on record (unheard)"},
		"an end that ended nothing": {func(a *Auditor, r []Record) []Record {
			r[1].State = "open"
			return r
		}, "1 not ended (E-2 (passes) is open)"},
	} {
		t.Run(name, func(t *testing.T) {
			a, records := night()
			a.Recorded(c.plant(a, records))
			require.Equal(t, c.want, a.Findings().String())
		})
	}
}

func TestWhatIsDueInTheDarkIsDueAfterIt(t *testing.T) {
	outages := []Outage{{From: at(10), To: at(20)}, {From: at(22), To: at(30)}, {From: at(60), To: at(70)}}
	for _, c := range []struct{ due, want float64 }{
		{0, 0}, {4, 4}, {6, 30}, {15, 30}, {31, 31}, {50, 50}, {56, 70},
	} {
		require.Equal(t, at(c.want), ready(at(c.due), Grace, outages), "due at %v", c.due)
	}
	require.True(t, ready(at(0), Grace, []Outage{{From: at(1)}}).After(at(1e6)), "what never runs again is never ready")
}

func TestTimingIsNoMistake(t *testing.T) {
	a, records := night()
	a.NoTiming = true
	a.Accepted("slow", Ladder{Rungs: 5, Step: time.Second}, at(40))
	a.Told(paged("slow", "E-4/t1/ana/hook/1", 1, 90))
	a.Ending("slow", at(91))
	a.Recorded(append(records, record("slow", "E-4", "open", "opened", "message E-4/t1/ana/hook/1")))
	found := a.Findings()
	require.Zero(t, found.Mistakes(), "%s", found)
	require.Equal(t, 50*time.Second, found.Worst)
}
