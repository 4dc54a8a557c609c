package e2e

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/PagerDuty/go-pagerduty"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/belayhq/belay/integrations/twilio/twiliofake"
)

// cluster is one way to be told of the same cluster: a service with rules, and who is on call for it.
type cluster struct {
	name        string
	rules       string // of its integration
	escalations func(alerts int) int
}

func clusters() []cluster {
	const group, flapping = "rules: [{name: cluster, group: {by: [source], within: 10m}}]", "flapping: {changes: 4, within: 10m}"
	return []cluster{
		{"plain", "", func(alerts int) int { return 5 * alerts }},
		{"flapping", flapping, func(alerts int) int { return 3 * alerts }},
		{"delayed", "rules: [{name: later, delay: 2m}]", func(int) int { return 0 }},
		{"grouped", group, func(int) int { return 5 }},
		{"grouped-flapping", group + "\n" + flapping, func(int) int { return 5 }},
	}
}

func clusterKey(n int) string    { return fmt.Sprintf("scenes0cluster%d0events0key000000", n)[:32] }
func clusterNumber(n int) string { return fmt.Sprintf("+1212555033%d", n) }

// A cluster of alerts comes and goes five times, and is told in five ways: how many escalations it opens, and how many messages leave
// for whoever is on call. Twelve alerts as fast as they are taken, or BELAY_FLAPPING of them a minute apart, as in docs/routing.md.
func TestWhoIsToldOfAClusterThatFlaps(t *testing.T) {
	alerts, minute := 12, time.Duration(0)
	if asked := os.Getenv("BELAY_FLAPPING"); asked != "" {
		var err error
		alerts, err = strconv.Atoi(asked)
		require.NoError(t, err, "BELAY_FLAPPING")
		minute = time.Minute
	}
	n := newNight(t)
	var text strings.Builder
	for i, c := range clusters() {
		fmt.Fprintf(&text, "---\n{kind: person, id: %[1]s, name: %[1]s, methods: [{id: mobile, sms: %[2]q}]}\n---\n{kind: service, id: %[1]s, name: %[1]s, owner: crew, tier: 3}\n"+
			"---\n{kind: policy, id: %[1]s, for: {services: [%[1]s]}, reopen_within: 1s, tiers: [{targets: [{person: %[1]s}], ack_within: 1d}]}\n"+
			"---\nkind: integration\nid: %[1]s-events\nservice: %[1]s\nkey: %[3]s\n%[4]s\n", c.name, clusterNumber(i), clusterKey(i), c.rules)
	}
	n.promises(text.String())

	client := pagerduty.NewClient("", pagerduty.WithV2EventsAPIEndpoint("http://"+n.http))
	all := func(action string) {
		t.Helper()
		var crowd errgroup.Group
		crowd.SetLimit(8)
		for pod := range alerts {
			for i := range clusters() {
				crowd.Go(func() error {
					event := &pagerduty.V2Event{RoutingKey: clusterKey(i), Action: action, DedupKey: fmt.Sprintf("pod-%d", pod)}
					if action == "trigger" {
						event.Payload = &pagerduty.V2Payload{Summary: fmt.Sprintf("pod %d is not ready", pod), Source: "eu-1", Severity: "error"}
					}
					_, err := client.ManageEventWithContext(t.Context(), event)
					return err
				})
			}
		}
		require.NoError(t, crowd.Wait())
		n.await(func() bool { return n.number("select count(*) from inbox where settled_at is null") == 0 }, "all is settled")
	}
	of := func(service, where string) int {
		t.Helper()
		return n.number("select count(*) from escalations where service = $1 and "+where, service)
	}
	began := time.Now()
	for round := range 5 {
		all("trigger")
		if round == 0 {
			for i, c := range clusters() {
				if c.escalations(alerts) > 0 {
					n.await(func() bool { return len(n.leftFor(clusterNumber(i))) > 0 }, "somebody is told of %s", c.name)
				}
			}
		}
		time.Sleep(time.Until(began.Add(time.Duration(2*round+1) * minute)))
		all("resolve")
		time.Sleep(time.Until(began.Add(time.Duration(2*round+2) * minute)))
	}
	n.await(func() bool {
		return n.number("select count(*) from errands where done_at is null")+n.number("select count(*) from digests where ended_at is null") == 0
	}, "all has been told, or needs not be told any more")
	for i, c := range clusters() {
		opened, messages := of(c.name, "true"), n.leftFor(clusterNumber(i))
		digests, told := 0, map[string]bool{}
		for _, s := range messages {
			key := keyOf(s)
			require.False(t, told[key], "%s left twice", key)
			told[key] = true
			if strings.HasPrefix(key, "D-") {
				digests++
			}
		}
		t.Logf("| %s | %d alerts, %d events | %d escalations | %d messages, of which %d digests |", c.name, alerts, 10*alerts, opened, len(messages), digests)
		require.Equal(t, c.escalations(alerts), opened, c.name)
		require.LessOrEqual(t, len(messages), opened, "%s: nobody is told more often than something happened", c.name)
		require.LessOrEqual(t, len(messages), 7*int(2+time.Since(began)/time.Minute), "%s: seven in a minute at most", c.name)
		if opened > 0 {
			require.NotEmpty(t, messages, c.name)
		}
		if strings.HasPrefix(c.name, "grouped") {
			require.Zero(t, of(c.name, "state not in ('resolved', 'closed')"), "%s: it is over when all of its alerts are", c.name)
			n.everyPageLeft(c.name, messages)
		}
	}
}

// everyPageLeft makes sure that an escalation of a service of which nobody was told was over before anybody could be.
func (n night) everyPageLeft(service string, messages []twiliofake.Sent) {
	n.t.Helper()
	var listed struct{ Escalations []escalation }
	n.get("/v1/escalations?limit=200&service="+service, &listed)
	decided := 0
	for _, e := range listed.Escalations {
		line := n.timeline(e.ID)
		pages := count(line, "message")
		n.t.Logf("%s: %s was told %d times", service, e.ID, pages)
		decided += pages
		if pages == 0 {
			require.Equal(n.t, 1, count(line, "resolved"), "%s was over when it began", e.ID)
		}
	}
	require.GreaterOrEqual(n.t, decided, len(messages))
}

// leftFor are the messages that left for a number.
func (n night) leftFor(number string) (all []twiliofake.Sent) {
	for _, s := range n.twilio.Sent() {
		if s.Kind == "Messages" && s.To == number {
			all = append(all, s)
		}
	}
	return all
}
