package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/mail"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.temporal.io/sdk/client"

	"github.com/belayhq/belay/activities"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/durable"
	"github.com/belayhq/belay/integrations/beacon"
	"github.com/belayhq/belay/integrations/smtp"
	"github.com/belayhq/belay/integrations/twilio"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// Watch says how troubles of Belay itself are found and told.
type Watch struct {
	On        bool
	Blind     bool   // Temporal is not asked from here
	Addr      string // where `belay watchdog` answers probes
	Webhooks  []string
	Emails    []string
	Phones    []string
	Heartbeat string // address of a dead man's switch
	Method    string // how it wants to be pinged
	Limits    service.WatchLimits
}

// watchdog is the service with connections of its own: it must see and speak when everything else is stuck.
type watchdog struct {
	service.Watchdog
	records  *store.Watch
	temporal client.Client
}

func newWatchdog(o Options, metrics *Metrics, log *slog.Logger, now func() time.Time) (*watchdog, error) {
	ways, err := operators(o)
	if err != nil {
		return nil, err
	}
	host, _ := os.Hostname() // a name for people; the rest makes it unique
	w := &watchdog{records: &store.Watch{URL: o.DatabaseURL}}
	w.Watchdog = service.Watchdog{
		Holder:  fmt.Sprintf("%s/%d/%d", host, os.Getpid(), now().UnixNano()),
		Records: w.records, Ways: ways, Gauges: metrics.watch(), Now: now, Log: log, Limits: o.Watch.Limits,
	}
	if o.Watch.Heartbeat != "" {
		w.Pulse = pulse{to: o.Watch.Heartbeat, method: o.Watch.Method}
	}
	if !o.Watch.Blind {
		reach := o.reach()
		reach.Log = quieter(log)
		_, namespace, err := reach.Effective()
		if err != nil {
			return nil, err
		}
		if w.temporal, err = durable.Dial(reach); err != nil {
			return nil, err
		}
		w.Engine = &durable.Watch{Client: w.temporal, Namespace: namespace}
	}
	if len(ways) == 0 && !o.Dev {
		log.Warn("nobody is told when Belay itself is in trouble: set BELAY_WATCHDOG_WEBHOOKS, BELAY_WATCHDOG_EMAILS or BELAY_WATCHDOG_PHONES")
	}
	return w, nil
}

func (w *watchdog) close() {
	w.records.Close()
	if w.temporal != nil {
		w.temporal.Close()
	}
}

// probe is reported and never counted: a process that others find trouble with can still do its work.
func (w *watchdog) probe() service.Probe {
	return service.Probe{Name: "watchdog", Ask: func(context.Context) error { return w.Well() }, Optional: true}
}

// RunWatchdog is a process that only watches, on whichever machine, until ctx ends. Neither database nor Temporal need
// be there when it starts.
func RunWatchdog(ctx context.Context, o Options, log *slog.Logger) error {
	if o.DatabaseURL == "" {
		return errors.New("BELAY_DATABASE_URL: must be set, as postgres://belay:…@db.example.com/belay")
	}
	metrics := NewMetrics()
	w, err := newWatchdog(o, metrics, log, time.Now)
	if err != nil {
		return err
	}
	defer w.close()
	listener, err := net.Listen("tcp", o.Watch.Addr)
	if err != nil {
		return fmt.Errorf("BELAY_WATCHDOG_ADDR: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics.Handler())
	mux.HandleFunc("GET /healthz", func(rw http.ResponseWriter, _ *http.Request) { say(rw, http.StatusOK, `{"status":"ok"}`) })
	mux.HandleFunc("GET /readyz", func(rw http.ResponseWriter, _ *http.Request) {
		if err := w.Well(); err != nil {
			say(rw, http.StatusServiceUnavailable, `{"status":"unavailable"}`)
			return
		}
		say(rw, http.StatusOK, `{"status":"ok"}`)
	})
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10}
	defer server.Close()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	log.Info("watching", "http", listener.Addr().String(), "ways", len(w.Ways), "heartbeat", w.Pulse != nil, "temporal", w.Engine != nil)

	ctx, cancel := context.WithCancelCause(ctx)
	go func() { cancel(<-failed) }()
	w.Run(ctx)
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return fmt.Errorf("serve HTTP on %s: %w", listener.Addr(), err)
	}
	return nil
}

// operators are the ways to those who run Belay. They share carriers' accounts with pages, and nothing else: neither
// Temporal, nor the ledger, nor the organisation.
func operators(o Options) ([]service.Way, error) {
	var ways []service.Way
	for n, to := range o.Watch.Webhooks {
		ways = append(ways, webhookWay{name: numbered("webhook", n), to: to})
	}
	if len(o.Watch.Emails) > 0 {
		if !o.SMTP.configured() {
			return nil, errors.New("BELAY_WATCHDOG_EMAILS: needs BELAY_SMTP_ADDR")
		}
		carrier, err := smtp.New(smtp.Options{
			Addr: o.SMTP.Addr, Username: o.SMTP.Username, Password: o.SMTP.Password, From: o.SMTP.From,
			Security: smtp.Security(o.SMTP.TLS), Timeout: 12 * time.Second,
		})
		if err != nil {
			return nil, fmt.Errorf("smtp: %w", err)
		}
		for n, to := range o.Watch.Emails {
			ways = append(ways, carrierWay{name: numbered("mail", n), channel: org.Email, to: to, carriers: []activities.Carrier{carrier}})
		}
	}
	if len(o.Watch.Phones) == 0 {
		return ways, nil
	}
	texts, err := o.operatorTexts()
	if err != nil {
		return nil, err
	}
	for n, to := range o.Watch.Phones {
		ways = append(ways, carrierWay{name: numbered("sms", n), channel: org.SMS, to: to, carriers: texts})
	}
	return ways, nil
}

// operatorTexts are the providers of SMS, in the order in which they are asked: clients of their own, that learn from
// nobody else's failures. They have no public address, since nobody needs these receipts.
func (o Options) operatorTexts() ([]activities.Carrier, error) {
	var texts []activities.Carrier
	if o.Twilio.configured() {
		first, err := twilio.New(twilio.Options{
			AccountSID: o.Twilio.AccountSID, AuthToken: o.Twilio.AuthToken, From: o.Twilio.From,
			MessagingServiceSID: o.Twilio.MessagingService, BaseURL: o.Twilio.BaseURL, Timeout: 5 * time.Second,
		})
		if err != nil {
			return nil, fmt.Errorf("twilio: %w", err)
		}
		texts = append(texts, first)
	}
	if o.Gateway.SMSURL != "" {
		second, err := o.Gateway.client("")
		if err != nil {
			return nil, fmt.Errorf("gateway: %w", err)
		}
		texts = append(texts, second)
	}
	if len(texts) == 0 {
		return nil, errors.New("BELAY_WATCHDOG_PHONES: needs BELAY_TWILIO_ACCOUNT_SID or BELAY_GATEWAY_SMS_URL")
	}
	return texts, nil
}

func numbered(kind string, n int) string { return fmt.Sprintf("%s %d", kind, n+1) }

// webhookWay posts to a chat or to another pager.
type webhookWay struct {
	name, to string
	client   beacon.Client
}

// Name is part of service.Way.
func (w webhookWay) Name() string { return w.name }

// Loud is part of service.Way.
func (w webhookWay) Loud() bool { return false }

// Tell is part of service.Way.
func (w webhookWay) Tell(ctx context.Context, b service.Bulletin, _ bool) error {
	note := beacon.Note{Text: b.Subject() + "\n\n" + b.Text(), Key: b.Key, Status: "resolved", At: b.At}
	for status, some := range map[string][]service.Finding{"firing": slices.Concat(b.Began, b.Still), "resolved": b.Over} {
		for _, f := range some {
			note.Troubles = append(note.Troubles, beacon.Trouble{
				Key: f.Key, Status: status, Severity: string(f.Severity), Text: f.Words, Runbook: f.Runbook,
			})
		}
	}
	if len(b.Began)+len(b.Still) > 0 {
		note.Status = "firing"
	}
	return w.client.Post(ctx, w.to, note)
}

// carrierWay hands a message to a carrier, past everything that pages go through.
type carrierWay struct {
	name     string
	channel  org.Channel
	to       string
	carriers []activities.Carrier // the next one when the one before fails
}

// Name is part of service.Way.
func (c carrierWay) Name() string { return c.name }

// Loud is part of service.Way.
func (c carrierWay) Loud() bool { return c.channel == org.SMS }

// sameWords is how far apart processes tell the same when none knows of the others.
const sameWords = 3 * time.Minute

// Tell is part of service.Way. A carrier that knows what it carried is asked first when these words may have left.
func (c carrierWay) Tell(ctx context.Context, b service.Bulletin, again bool) error {
	message := page.Message{Key: b.Key, Purpose: page.Inform, Channel: c.channel, To: c.to, Subject: b.Subject(), Body: b.Text()}
	if c.channel == org.SMS {
		message.Body = b.Short()
	}
	if again || b.FromAll() {
		for _, carrier := range c.carriers {
			receipt, found, err := carrier.Find(ctx, message, b.At.Add(-sameWords))
			if err == nil && found && arrives(receipt) {
				return nil
			}
		}
	}
	var failed []error
	for _, carrier := range c.carriers {
		receipt, err := carrier.Send(ctx, message)
		if err == nil && arrives(receipt) {
			return nil
		}
		if err == nil {
			err = fault.New(fault.Unavailable, "%s: %s", receipt.Status, receipt.Reason)
		}
		failed = append(failed, err) // rather twice than not at all
	}
	return errors.Join(failed...)
}

func arrives(r page.Receipt) bool { return r.Class == page.Pending || r.Class == page.Arrived }

// pulse pings the switch outside.
type pulse struct {
	to, method string
	client     beacon.Client
}

// Beat is part of service.Pulse.
func (p pulse) Beat(ctx context.Context) error { return p.client.Ping(ctx, p.method, p.to) }

// watchGauges is service.WatchGauges in Prometheus' terms.
type watchGauges struct {
	looked, holding prometheus.Gauge
	findings        *prometheus.GaugeVec
	told, beaten    *prometheus.CounterVec
}

func (m *Metrics) watch() watchGauges {
	g := watchGauges{
		looked:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "belay_watchdog_last_look_timestamp_seconds", Help: "When the watchdog of this process last looked and saw."}),
		holding:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "belay_watchdog_holding", Help: "1 while this process is the one that watches."}),
		findings: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "belay_watchdog_findings", Help: "Troubles that stand, as the process that watches sees them."}, []string{"trouble"}),
		told:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "belay_watchdog_told_total", Help: "Messages to the operators."}, []string{"way", "outcome"}),
		beaten:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "belay_watchdog_heartbeats_total", Help: "Pings of the dead man's switch."}, []string{"outcome"}),
	}
	m.registry.MustRegister(g.looked, g.holding, g.findings, g.told, g.beaten)
	return g
}

// Looked is part of service.WatchGauges.
func (g watchGauges) Looked(at time.Time, holding bool, standing map[service.Trouble]int) {
	g.looked.Set(float64(at.UnixMilli()) / 1000)
	g.holding.Set(0)
	if holding {
		g.holding.Set(1)
	}
	for _, t := range service.Troubles() {
		g.findings.WithLabelValues(string(t)).Set(float64(standing[t]))
	}
}

// Told is part of service.WatchGauges.
func (g watchGauges) Told(way string, well bool) { g.told.WithLabelValues(way, outcome(well)).Inc() }

// Beaten is part of service.WatchGauges.
func (g watchGauges) Beaten(well bool) { g.beaten.WithLabelValues(outcome(well)).Inc() }

func outcome(well bool) string {
	if well {
		return "ok"
	}
	return "failed"
}

// incomplete finds ways that lead nowhere.
func (w Watch) incomplete(o Options) []error {
	var wrong []error
	if len(w.Emails) > 0 && !o.SMTP.configured() {
		wrong = append(wrong, errors.New("BELAY_SMTP_ADDR: needed with BELAY_WATCHDOG_EMAILS"))
	}
	if len(w.Phones) > 0 && !o.Twilio.configured() && o.Gateway.SMSURL == "" {
		wrong = append(wrong, errors.New("BELAY_TWILIO_ACCOUNT_SID or BELAY_GATEWAY_SMS_URL: needed with BELAY_WATCHDOG_PHONES"))
	}
	return wrong
}

// several reads a list with commas, each checked. The value itself stays out of errors: it may be secret.
func several(field func(*Options) *[]string, good func(string) bool, want string) func(*Options, string) error {
	return func(o *Options, value string) error {
		var all []string
		for part := range strings.SplitSeq(value, ",") {
			part = strings.TrimSpace(part)
			if part == "" {
				continue
			}
			if !good(part) {
				return fmt.Errorf("entry %d: want %s", len(all)+1, want)
			}
			all = append(all, part)
		}
		*field(o) = all
		return nil
	}
}

var dialled = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`) // ITU-T E.164

func webAddress(value string) bool {
	at, err := url.Parse(value)
	return err == nil && at.Host != "" && (at.Scheme == "http" || at.Scheme == "https")
}

func mailAddress(value string) bool {
	at, err := mail.ParseAddress(value)
	return err == nil && at.Address == value
}

func heartbeat(o *Options, value string) error {
	if !webAddress(value) {
		return errors.New("want an address such as https://hc-ping.com/…")
	}
	o.Watch.Heartbeat = value
	return nil
}

func grace(o *Options, value string) error {
	late, err := time.ParseDuration(value)
	if err != nil || late < 10*time.Second || late > 10*time.Minute {
		return fmt.Errorf("%q: want a duration from 10s to 10m", value)
	}
	o.Watch.Limits.Grace = late
	return nil
}
