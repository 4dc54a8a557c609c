package bench

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/twilio"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
	"github.com/belayhq/belay/integrations/webhook"
)

func opened(t *testing.T, conduct Conduct) *sink {
	t.Helper()
	s, err := listen("127.0.0.1:0", conduct)
	require.NoError(t, err)
	t.Cleanup(s.close)
	return s
}

func hooks(t *testing.T) *webhook.Client {
	t.Helper()
	client, err := webhook.New(webhook.Options{Secret: "s", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
	require.NoError(t, err)
	return client
}

func hook(s *sink, title, key string) page.Message {
	return page.Message{
		Key: key, Channel: org.Webhook, To: s.url() + hookPath + "ana", Person: "ana", Purpose: page.Page,
		Brief: page.Brief{Escalation: "E-7", Title: title, AnswerBy: noon},
	}
}

func TestWhatBelayPostsIsTaken(t *testing.T) {
	s := opened(t, Conduct{})
	waiting := make(chan Message, 1)
	go func() {
		m, _ := s.await(t.Context(), "bench-x-1-2", 2)
		waiting <- m
	}()
	for _, key := range []string{"E-7/1", "E-7/2"} {
		_, err := hooks(t).Send(t.Context(), hook(s, "bench-x-1-2", key))
		require.NoError(t, err)
	}
	second := <-waiting
	require.WithinDuration(t, time.Now(), second.Arrived, time.Minute)
	second.Arrived = time.Time{}
	require.Equal(t, Message{Key: "E-7/2", Title: "bench-x-1-2", Escalation: "E-7", Person: "ana", Page: true, AnswerBy: noon}, second)
	require.Len(t, s.of("bench-x-1-"), 2)
	require.Empty(t, s.of("bench-y"))
}

func TestWhatIsRefusedIsNotTaken(t *testing.T) {
	s := opened(t, Conduct{Fail: 2})
	client := hooks(t)
	_, err := client.Send(t.Context(), hook(s, "bench-x-1-1", "k1"))
	require.NoError(t, err)
	_, err = client.Send(t.Context(), hook(s, "bench-x-1-1", "k2"))
	require.True(t, fault.Is(err, fault.Unavailable), "%v", err)
	_, err = client.Send(t.Context(), hook(s, "bench-x-1-1", "k2"))
	require.NoError(t, err)
	require.Len(t, s.of("bench-x-1-1"), 2)
}

func TestAnSMSIsKnownByTheTitleInItsWords(t *testing.T) {
	s := opened(t, Conduct{})
	client, err := twilio.New(twilio.Options{
		AccountSID: twiliofake.AccountSID, AuthToken: twiliofake.AuthToken, From: "+12125550100",
		BaseURL: s.url(), PublicURL: "http://127.0.0.1:9",
	})
	require.NoError(t, err)
	m := page.Message{
		Key: "E-7/t1/ana/mobile/1", Channel: org.SMS, To: "+12125550111", Person: "ana", Purpose: page.Page,
		Body: "P1 Bench: bench-first-1f-12 (E-7). Reply ack 7.",
	}
	_, err = client.Send(t.Context(), m)
	require.NoError(t, err)
	got, err := s.await(t.Context(), "bench-first-1f-12", 1)
	require.NoError(t, err)
	require.Equal(t, m.Key, got.Key)
	require.Equal(t, "E-7", got.Escalation)
}

func TestWaitingEnds(t *testing.T) {
	s := opened(t, Conduct{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.await(ctx, "never", 1)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, s.silence(ctx, time.Hour), context.Canceled)
	require.NoError(t, s.silence(t.Context(), time.Nanosecond))
}

func TestADigestTellsOfEachOfItsAlerts(t *testing.T) {
	s := opened(t, Conduct{})
	m := hook(s, "bench-x-1-2", "D-7/ana/hook")
	m.Brief.Digest = []page.Item{{Escalation: "E-7", Title: "bench-x-1-2", Key: "E-7/1"}, {Escalation: "E-8", Title: "bench-x-1-3", Key: "E-8/1"}}
	for range 2 { // the second one is one too many
		_, err := hooks(t).Send(t.Context(), m)
		require.NoError(t, err)
	}
	var audit Auditor
	for _, title := range []string{"bench-x-1-2", "bench-x-1-3", "bench-x-1-4"} {
		audit.Accepted(Sent{Title: title})
	}
	audit.Got(s.of("bench-x-1-")...)
	require.Equal(t, Findings{Lost: []string{"bench-x-1-4"}, Twice: []string{"D-7/ana/hook"}}, audit.Findings())
	other, err := s.await(t.Context(), "bench-x-1-3", 1)
	require.NoError(t, err)
	require.Equal(t, "E-8", other.Escalation)
}
