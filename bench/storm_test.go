package bench

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAStormIsWhatItSays(t *testing.T) {
	counts := map[string]int{}
	over := map[int]bool{}
	for i := range stormEvents {
		g := gustOf(i)
		switch {
		case g.action == "resolve":
			counts["resolves"]++
			require.True(t, gustOf(g.about).resolved, "event %d", i)
			require.NotEqual(t, "critical", gustOf(g.about).severity, "a P1 stays")
			over[g.about] = true
		case g.about != i:
			counts["repeats"]++
			require.Equal(t, g.about, gustOf(g.about).about, "event %d repeats one that was new", i)
			require.Equal(t, gustOf(g.about).severity, g.severity)
			require.False(t, over[g.about], "what is over is not repeated: it would be a new outage")
		default:
			counts[g.severity]++
		}
	}
	require.Equal(t, 300, counts["critical"])
	require.Equal(t, 2982, counts["repeats"])
	require.Equal(t, 891, counts["resolves"])
	require.Equal(t, 10_000, 300+2982+891+counts["error"]+counts["warning"]+counts["info"])
}

func TestTheDensestMinute(t *testing.T) {
	at := func(seconds ...int) (all []time.Time) {
		for _, s := range seconds {
			all = append(all, noon.Add(time.Duration(s)*time.Second))
		}
		return all
	}
	require.Zero(t, densest(nil, time.Minute))
	require.Equal(t, 3, densest(at(119, 0, 50, 60, 110, 200), time.Minute), "60, 110 and 119 s, wherever the minute begins")
	require.Equal(t, 1, densest(at(0, 60, 120), time.Minute), "a minute later is another minute")
}
