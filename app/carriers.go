package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/smtp"
	"github.com/belayhq/belay/integrations/twilio"
	"github.com/belayhq/belay/integrations/webhook"
)

// carriers are the ways out of this installation. A channel that nobody has configured answers at once that it is
// dead, so that the ladder goes on.
func carriers(o Options, log *slog.Logger, now func() time.Time) (map[org.Channel]activities.Carrier, error) {
	out := map[org.Channel]activities.Carrier{}
	if o.Twilio.configured() {
		client, err := twilio.New(twilio.Options{
			AccountSID: o.Twilio.AccountSID, AuthToken: o.Twilio.AuthToken, From: o.Twilio.From,
			MessagingServiceSID: o.Twilio.MessagingService, VoiceFrom: o.Twilio.VoiceFrom,
			BaseURL: o.Twilio.BaseURL, PublicURL: o.PublicURL,
		})
		if err != nil {
			return nil, fmt.Errorf("twilio: %w", err)
		}
		out[org.SMS], out[org.Voice] = client, client
		go examine(client, log)
	}
	if o.SMTP.configured() {
		client, err := smtp.New(smtp.Options{
			Addr: o.SMTP.Addr, Username: o.SMTP.Username, Password: o.SMTP.Password, From: o.SMTP.From, Security: smtp.Security(o.SMTP.TLS),
		})
		if err != nil {
			return nil, fmt.Errorf("smtp: %w", err)
		}
		out[org.Email] = client
	}
	if o.Webhook.configured() {
		client, err := webhook.New(webhook.Options{Secret: o.Webhook.Secret, Allow: o.Webhook.Allow})
		if err != nil {
			return nil, fmt.Errorf("webhook: %w", err)
		}
		out[org.Webhook] = client
	}
	for _, channel := range channels() {
		if _, configured := out[channel]; configured {
			continue
		}
		log.Warn("no carrier is configured: messages on this channel are given up at once", "channel", channel)
		out[channel] = nobody{channel: channel, now: now}
	}
	return out, nil
}

func channels() []org.Channel { return []org.Channel{org.SMS, org.Voice, org.Email, org.Webhook} }

// everywhere sends every channel to one carrier: the sandbox.
func everywhere(carrier activities.Carrier) map[org.Channel]activities.Carrier {
	out := map[org.Channel]activities.Carrier{}
	for _, channel := range channels() {
		out[channel] = carrier
	}
	return out
}

// nobody is the carrier of a channel without one.
type nobody struct {
	channel org.Channel
	now     func() time.Time
}

// Send is part of activities.Carrier.
func (n nobody) Send(_ context.Context, m page.Message) (page.Receipt, error) {
	return page.Receipt{
		Key: m.Key, Status: page.Failed, Class: page.Dead, At: n.now(), Reason: fmt.Sprintf("no carrier configured for %s", n.channel),
	}, nil
}

// Find is part of activities.Carrier.
func (nobody) Find(context.Context, page.Message, time.Time) (page.Receipt, bool, error) {
	return page.Receipt{}, false, nil
}

// examine asks Twilio for our account once, so that a wrong token is known before the first page needs it.
func examine(client *twilio.Client, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	if err := client.Doctor(ctx); err != nil {
		log.Error("SMS and calls may not leave: Twilio refuses our account or cannot be asked", "error", err)
	}
}
