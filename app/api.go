package app

import (
	"context"
	"net/url"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/api"
	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/tongue"
	"github.com/belayhq/belay/integrations/alertmanager"
	"github.com/belayhq/belay/integrations/opsgenie"
	"github.com/belayhq/belay/integrations/pagerduty"
	"github.com/belayhq/belay/integrations/twilio"
	"github.com/belayhq/belay/service"
)

// api mounts the API, and the callbacks of the carriers that are configured.
func (a *App) api(e *echo.Echo) error {
	return api.Register(e, api.Options{
		Keyring: a.rooms.keyring, Search: a.rooms.search, Open: a.rooms.opener, Answers: a.rooms.answers,
		Catalogue: a.rooms.listing, OnCall: a.rooms.oncall, Covers: a.rooms.covers, Maintenance: a.rooms.maintenance, Heart: a.rooms.heart, Canaries: a.rooms.canaries, Blueprints: a.rooms.blueprints, Tickets: a.rooms.tickets, Desk: a.rooms.desk,
		Intake: a.rooms.intake, Idempotency: a.rooms.idempotency, Lights: a.rooms.lights, Health: service.Health{Probes: a.probes()},
		Events:     api.Events{Decode: pagerduty.Decode, Answer: pagerduty.Answer},
		Events1:    api.Events{Decode: pagerduty.DecodeV1, Answer: pagerduty.AnswerV1},
		Changes:    api.Events{Decode: pagerduty.DecodeChange, Answer: pagerduty.AnswerChange},
		Opsgenie:   &api.Opsgenie{Create: opsgenie.Dialect(), Alias: opsgenie.Alias, Monitors: a.rooms.monitors, Ping: a.ping},
		Prometheus: alertmanager.API(), Dialects: Dialects(), Twilio: a.callbacks(), Gateway: a.reports(), TicketNews: a.ticketNews, Limits: &a.limits, Now: a.now, Log: a.log,
	})
}

// ping is a heartbeat as Opsgenie's clients send it.
func (a *App) ping(ctx context.Context, key, name string, p alert.Post) error {
	return a.rooms.heart.BeatByKey(ctx, key, p, id.Heartbeat(name))
}

// callbacks are expected when an account is configured: only then can anything be proved to come from it.
func (a *App) callbacks() *api.Twilio {
	if !a.options.Twilio.configured() {
		return nil
	}
	verifier := twilio.Verifier{AuthToken: a.options.Twilio.AuthToken, PublicURL: a.options.PublicURL}
	script := twilio.Script{}
	return &api.Twilio{
		PublicURL: a.options.PublicURL,
		Verify:    verifier.Verify,
		Status:    twilio.ParseStatus,
		Inbound: func(form url.Values) (service.Inbound, error) {
			in, err := twilio.ParseInbound(form)
			return service.Inbound{From: in.From, To: in.To, Body: in.Body, SID: in.SID}, err
		},
		Call: func(form url.Values) (service.Call, error) {
			call, err := twilio.ParseVoice(form)
			return service.Call{SID: call.SID, Digits: call.Digits, Machine: call.Machine()}, err
		},
		Gather: func(l tongue.Language, text, action string) []byte { return script.In(l).Page(text, action) },
		Say:    func(l tongue.Language, text string) []byte { return script.In(l).Say(text) },
		Hangup: script.Hangup, Reply: script.Reply,
		Replies: a.rooms.replies, Receipts: a.rooms.receipts,
	}
}

// reports of the gateway are believed when it has been given a secret to prove them with.
func (a *App) reports() *api.Gateway {
	if a.out.gateway == nil || a.options.Gateway.Secret == "" {
		return nil
	}
	return &api.Gateway{Read: a.out.gateway.Read, Receipts: a.rooms.receipts}
}
