package twilio_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/twilio"
	"github.com/belayhq/belay/integrations/twilio/twiliofake"
)

const (
	ana    = "+15005550105"
	sender = "+15005550006"
	public = "https://belay.example.com"
)

// house is a client of a fake Twilio.
type house struct {
	*twilio.Client
	fake *twiliofake.Server
}

func open(t *testing.T, fake *twiliofake.Server, change ...func(*twilio.Options)) house {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	options := twilio.Options{
		AccountSID: twiliofake.AccountSID, AuthToken: twiliofake.AuthToken, From: sender, BaseURL: server.URL,
		PublicURL: public, Timeout: 5 * time.Second,
	}
	for _, c := range change {
		c(&options)
	}
	client, err := twilio.New(options)
	require.NoError(t, err)
	return house{client, fake}
}

func sms(key, to, body string) page.Message {
	return page.Message{Key: key, Purpose: page.Page, Person: "ana", Method: "mobile", Channel: org.SMS, To: to, Body: body}
}

func call(key, to, body string) page.Message {
	m := sms(key, to, body)
	m.Channel = org.Voice
	return m
}

func always(c twiliofake.Conduct) func(twiliofake.Sent) twiliofake.Conduct {
	return func(twiliofake.Sent) twiliofake.Conduct { return c }
}
