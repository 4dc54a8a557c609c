package app

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/integrations/gateway"
	"github.com/belayhq/belay/integrations/smtp"
	"github.com/belayhq/belay/integrations/twilio"
	"github.com/belayhq/belay/integrations/webhook"
	"github.com/belayhq/belay/service"
)

// outlets are the ways out of this installation.
type outlets struct {
	ways      map[org.Channel]activities.Carrier
	failovers []*service.Failover
	askers    map[string]service.Asker // by provider
	gateway   *gateway.Client          // nil: none
}

// carriers puts them together. A channel that nobody has configured answers at once that it is dead, so that the ladder
// goes on.
func carriers(o Options, log *slog.Logger, now func() time.Time, switched func(channel org.Channel, from, to string)) (outlets, error) {
	out := outlets{ways: map[org.Channel]activities.Carrier{}, askers: map[string]service.Asker{}}
	found := map[org.Channel][]service.Provider{}
	if o.Twilio.configured() {
		client, err := twilio.New(twilio.Options{
			AccountSID: o.Twilio.AccountSID, AuthToken: o.Twilio.AuthToken, From: o.Twilio.From,
			MessagingServiceSID: o.Twilio.MessagingService, VoiceFrom: o.Twilio.VoiceFrom,
			BaseURL: o.Twilio.BaseURL, PublicURL: o.PublicURL,
		})
		if err != nil {
			return out, fmt.Errorf("twilio: %w", err)
		}
		one := service.Provider{Name: twilio.Provider, Outlet: client, Elsewhere: twilio.Elsewhere, Probe: client.Doctor}
		found[org.SMS], found[org.Voice] = append(found[org.SMS], one), append(found[org.Voice], one)
		out.askers[twilio.Provider] = client
		go examine(client, log)
	}
	if o.Gateway.configured() {
		settings := o.Gateway
		if o.Twilio.configured() {
			settings.Idempotent = false // harmless for the same gateway, while a denial would hand the message to Twilio
		}
		client, err := settings.client(o.PublicURL)
		if err != nil {
			return out, fmt.Errorf("gateway: %w", err)
		}
		one := service.Provider{Name: gateway.Provider, Outlet: client, Elsewhere: gateway.Elsewhere}
		for _, channel := range []org.Channel{org.SMS, org.Voice} {
			if client.Carries(channel) {
				found[channel] = append(found[channel], one)
			}
		}
		out.askers[gateway.Provider], out.gateway = client, client
	}
	if o.SMTP.configured() {
		client, err := smtp.New(smtp.Options{
			Addr: o.SMTP.Addr, Username: o.SMTP.Username, Password: o.SMTP.Password, From: o.SMTP.From, Security: smtp.Security(o.SMTP.TLS),
		})
		if err != nil {
			return out, fmt.Errorf("smtp: %w", err)
		}
		found[org.Email] = []service.Provider{{Name: smtp.Provider, Outlet: client}}
	}
	if o.Webhook.configured() {
		client, err := webhook.New(webhook.Options{Secret: o.Webhook.Secret, Allow: o.Webhook.Allow})
		if err != nil {
			return out, fmt.Errorf("webhook: %w", err)
		}
		found[org.Webhook] = []service.Provider{{Name: webhook.Provider, Outlet: client}}
	}
	for _, channel := range channels() {
		switch list := found[channel]; len(list) {
		case 0:
			log.Warn("no carrier is configured: messages on this channel are given up at once", "channel", channel)
			out.ways[channel] = nobody{channel: channel, now: now}
		case 1:
			out.ways[channel] = list[0].Outlet
		default:
			pair := &service.Failover{Channel: channel, First: list[0], Second: list[1], Switched: switched, Now: now, Log: log}
			out.ways[channel], out.failovers = pair, append(out.failovers, pair)
		}
	}
	return out, nil
}

// standby asks a gateway that says where: one that fails unseen is no help when its turn comes. Whether we are ready does
// not depend on it.
func (o outlets) standby() []service.Probe {
	if o.gateway == nil || !o.gateway.Tells() {
		return nil
	}
	return []service.Probe{{Name: gateway.Provider, Ask: o.gateway.Doctor, Optional: true}}
}

// Providers of each channel, in the order in which carriers asks them. In development nothing leaves.
func (o Options) Providers() blueprint.Providers {
	out := blueprint.Providers{}
	if o.Dev {
		return out
	}
	add := func(configured bool, provider string, channels ...org.Channel) {
		for _, channel := range channels {
			if configured {
				out[channel] = append(out[channel], provider)
			}
		}
	}
	add(o.Twilio.configured(), twilio.Provider, org.SMS, org.Voice)
	add(o.Gateway.SMSURL != "", gateway.Provider, org.SMS)
	add(o.Gateway.VoiceURL != "", gateway.Provider, org.Voice)
	add(o.SMTP.configured(), smtp.Provider, org.Email)
	add(o.Webhook.configured(), webhook.Provider, org.Webhook)
	return out
}

func (g Gateway) client(public string) (*gateway.Client, error) {
	return gateway.New(gateway.Options{
		SMSURL: g.SMSURL, VoiceURL: g.VoiceURL, Method: g.Method, Headers: g.Headers, Format: gateway.Format(g.Format), Body: g.Body, From: g.From,
		ID: g.ID, Idempotent: g.Idempotent, LookupURL: g.LookupURL, HealthURL: g.HealthURL, Status: g.Status, StatusID: g.StatusID,
		Words: g.Words, PublicURL: public, Secret: g.Secret, Allow: g.Allow,
	})
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
