package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/integrations/gateway/gatewayfake"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
)

// TestTwoProviders plays with Twilio while a gateway stands beside it.
func TestTwoProviders(t *testing.T) {
	second := &gatewayfake.Server{}
	server := httptest.NewServer(second)
	t.Cleanup(server.Close)
	c := newCarriers(t,
		"BELAY_GATEWAY_SMS_URL="+server.URL+"/sms", "BELAY_GATEWAY_VOICE_URL="+server.URL+"/voice",
		`BELAY_GATEWAY_HEADERS={"Authorization":"Bearer `+gatewayfake.Token+`"}`, "BELAY_GATEWAY_ID=messages.0.id",
		`BELAY_GATEWAY_BODY={"to":"{to}","text":"{text}","reference":"{key}","callback":"{callback}"}`,
		"BELAY_GATEWAY_LOOKUP_URL="+server.URL+"/messages/{key}", "BELAY_GATEWAY_SECRET=gateways call back with a proof of this",
		"BELAY_GATEWAY_ALLOW=127.0.0.1/32")
	b := backed{c, second}

	id := c.open("replies", "all is well")
	c.sms(id, ana, 1)
	c.says(id, "resolve", nil)

	b.acceptThenDrop()
	b.anyOrder()
	silent := b.neverCalledBack()
	b.down()
	b.back()
	silent()
	b.onceEach()
}

type backed struct {
	*carriers
	second *gatewayfake.Server
}

// carriedBySecond waits for a message of an escalation to a number at the gateway.
func (b backed) carriedBySecond(id, number string) gatewayfake.Sent {
	b.t.Helper()
	var found gatewayfake.Sent
	b.await(func() bool {
		for _, s := range b.second.Sent() {
			if s.To == number && strings.HasPrefix(s.Reference, id+"/") {
				found = s
				return true
			}
		}
		return false
	}, "a message of %s to %s by the gateway", id, number)
	return found
}

// Accept, then drop the connection: Twilio is asked, the gateway is left alone.
func (b backed) acceptThenDrop() {
	b.rest.on("Messages", ed, func(twiliofake.Sent, int) twiliofake.Conduct { return twiliofake.Conduct{Drop: true} })
	id := b.open("lost", "the answer is lost")
	b.about(id, "receipt", "sms to Ed (mobile): accepted")
	require.Len(b.t, b.toNumber(id, "Messages", ed), 1)
	require.Empty(b.t, b.second.Sent())
	b.says(id, "resolve", nil)
}

// Callbacks come late, twice and in the wrong order.
func (b backed) anyOrder() {
	b.rest.on("Messages", gus, func(twiliofake.Sent, int) twiliofake.Conduct {
		return twiliofake.Conduct{Reports: []twiliofake.Report{
			{After: time.Second, Status: "delivered"}, {Status: "sent"}, {Status: "delivered"}, {Status: "queued"}, {Status: "sent"},
		}}
	})
	id := b.open("throttled", "callbacks overtake each other")
	b.about(id, "receipt", "sms to Gus (mobile): delivered")
	b.twilio.Wait()
	b.says(id, "note", map[string]string{"note": "all have come"})
	b.about(id, "note", "all have come")
	require.Equal(b.t, 1, delivered(b.timelineOf(id)), "%s", shown{b.carriers, id})
	b.says(id, "resolve", nil)
}

func delivered(timeline []entry) (n int) {
	for _, e := range timeline {
		if e.Kind == "receipt" && strings.Contains(e.Text, "delivered") {
			n++
		}
	}
	return n
}

// A message that will not arrive, and nobody says so: it is asked for, and the backup is called. The answer comes after
// half a minute; the scene goes on meanwhile.
func (b backed) neverCalledBack() (found func()) {
	b.rest.on("Messages", dana, func(twiliofake.Sent, int) twiliofake.Conduct {
		return twiliofake.Conduct{Reports: []twiliofake.Report{{Status: "undelivered", Code: "30005", Silent: true}}}
	})
	id := b.open("silenced", "the callback never comes")
	b.sms(id, dana, 1)
	return func() {
		b.about(id, "receipt", "sms to Dana (mobile): undelivered")
		b.await(func() bool { // by whoever carries the channel at that moment
			told := len(b.toNumber(id, "Messages", dirk))
			for _, s := range b.second.Sent() {
				if s.To == dirk {
					told++
				}
			}
			return told == 1
		}, "the backup of %s is told", id)
		require.Len(b.t, b.toNumber(id, "Messages", dana), 1)
		b.says(id, "resolve", nil)
	}
}

// Twilio hangs, questions included: the worst of outages, since nobody can say what it has.
func (b backed) down() {
	b.twilio.Fail(&twiliofake.Conduct{Delay: 10 * time.Minute})
	fired := time.Now()
	first := b.open("copies", "Twilio hangs")
	b.carriedBySecond(first, fred)
	b.t.Logf("Twilio hangs and cannot be asked: the first page leaves by the gateway after %s", time.Since(fired).Round(time.Millisecond))

	var fastest time.Duration
	for range 4 { // whichever worker sends, one of them has met the outage already
		fired = time.Now()
		id := b.open("forged", "Twilio still hangs")
		sent := b.carriedBySecond(id, bea)
		if took := time.Since(fired); fastest == 0 || took < fastest {
			fastest = took
		}
		b.about(id, "receipt", "sms to Bea (mobile): accepted")
		status, err := b.second.Report(sent.ID, "DELIVRD")
		require.NoError(b.t, err)
		require.Equal(b.t, http.StatusNoContent, status)
		b.about(id, "receipt", "sms to Bea (mobile): delivered")
		b.says(id, "resolve", nil)
	}
	b.t.Logf("and the fastest of the next after %s", fastest.Round(time.Millisecond))
	b.says(first, "resolve", nil)
}

// Twilio works again: the channel goes back, and so does the next page.
func (b backed) back() {
	b.twilio.Fail(nil)
	well := time.Now()
	b.await(func() bool {
		over, home := 0, 0
		for _, address := range b.probes {
			over += b.switches(address, `from="twilio",to="gateway"`)
			home += b.switches(address, `from="gateway",to="twilio"`)
		}
		return over > 0 && over == home
	}, "every worker has handed back to Twilio")
	b.t.Logf("Twilio has its channels back %s after it works again", time.Since(well).Round(time.Millisecond))
	before := len(b.second.Sent())
	id := b.open("calls", "Twilio is back")
	b.sms(id, cara, 1)
	require.Len(b.t, b.second.Sent(), before)
	b.says(id, "resolve", nil)
}

// switches that a process has counted.
func (b backed) switches(address, labels string) (n int) {
	b.t.Helper()
	response, err := http.Get("http://" + address + "/metrics")
	require.NoError(b.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "belay_carrier_switched_total{") && strings.Contains(line, labels) {
			count := strings.TrimSpace(line[strings.LastIndex(line, " "):])
			require.Regexp(b.t, `^[0-9]$`, count)
			n += int(count[0] - '0')
		}
	}
	return n
}

// onceEach: no message has gone twice, whoever carried it.
func (b backed) onceEach() {
	carried := map[string]int{}
	for _, s := range b.twilio.Sent() {
		carried[keyOf(s)]++
	}
	for _, s := range b.second.Sent() {
		carried[s.Reference]++
	}
	require.NotEmpty(b.t, carried)
	for key, times := range carried {
		require.Equal(b.t, 1, times, key)
	}
}
