package bench

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func paged(title, escalation, key string, at time.Duration) Message {
	return Message{Title: title, Escalation: escalation, Key: key, Page: true, Arrived: noon.Add(at)}
}

func TestTheAuditorFindsEachWayToFail(t *testing.T) {
	for name, c := range map[string]struct {
		sent []Sent
		got  []Message
		want Findings
	}{
		"all is well": {
			[]Sent{{Title: "a"}, {Title: "b"}},
			[]Message{paged("a", "E-1", "E-1/1", 0), paged("b", "E-2", "E-2/1", 0), paged("a", "E-1", "E-1/2", 1)}, Findings{},
		},
		"nobody was told": {
			[]Sent{{Title: "b"}, {Title: "a"}}, nil, Findings{Lost: []string{"a", "b"}},
		},
		"a repeat needs no message": {
			[]Sent{{Title: "a"}, {Title: "a", Joined: true}}, []Message{paged("a", "E-1", "E-1/1", 0)}, Findings{},
		},
		"a repeat does not excuse the first": {
			[]Sent{{Title: "a"}, {Title: "a", Joined: true}}, nil, Findings{Lost: []string{"a"}},
		},
		"the same message three times": {
			[]Sent{{Title: "a"}},
			[]Message{paged("a", "E-1", "k", 0), paged("a", "E-1", "k", 1), paged("a", "E-1", "k", 2)}, Findings{Twice: []string{"k"}},
		},
		"one alert, two escalations": {
			[]Sent{{Title: "a"}},
			[]Message{paged("a", "E-1", "E-1/1", 0), paged("a", "E-2", "E-2/1", 1)}, Findings{Split: []string{"a"}},
		},
		"a page after the ack": {
			[]Sent{{Title: "a", Silent: noon.Add(time.Second)}},
			[]Message{paged("a", "E-1", "1", time.Second), paged("a", "E-1", "2", time.Second+1)}, Findings{Late: []string{"2"}},
		},
		"word of the ack after the ack": {
			[]Sent{{Title: "a", Silent: noon}},
			[]Message{{Title: "a", Key: "told", Arrived: noon.Add(time.Minute)}}, Findings{},
		},
		"a message of nothing": {
			nil, []Message{paged("ghost", "E-9", "k", 0)}, Findings{Unknown: []string{"ghost"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var a Auditor
			for _, s := range c.sent {
				a.Accepted(s)
			}
			a.Got(c.got...)
			found := a.Findings()
			require.Equal(t, c.want, found)
			require.Equal(t, found.String() == "nothing lost, nothing twice", found.OK())
		})
	}
}

func TestTheFirstAckCounts(t *testing.T) {
	var a Auditor
	a.Accepted(Sent{Title: "a", Accepted: noon})
	a.Silence("a", noon.Add(time.Second))
	a.Silence("a", noon.Add(time.Hour))
	a.Silence("unknown", noon)
	a.Accepted(Sent{Title: "a", Joined: true})
	a.Got(paged("a", "E-1", "k", time.Minute))
	require.Equal(t, "1 paged after the ack (k)", a.Findings().String())
}

func TestFindingsAreSaidBriefly(t *testing.T) {
	var a Auditor
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() { a.Accepted(Sent{Title: fmt.Sprintf("t%02d", i)}) })
	}
	all.Wait()
	a.Got(paged("t00", "E-1", "k", 0), paged("t00", "E-1", "k", 0))
	require.Equal(t, "49 lost (t01, t02, t03, …), 1 sent twice (k)", a.Findings().String())
}
