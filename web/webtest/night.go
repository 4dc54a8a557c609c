package webtest

import (
	"strings"
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/page"
	"github.com/belayhq/belay/service"
)

// Typical is a bad night: payments fail, the first engineer's line is busy, two vendors are called in.
func Typical(now time.Time) *House {
	h := Empty(now)
	h.org = company()
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	h.Add(service.Escalation{
		Summary: escalation.Summary{
			ID: "E-42", State: escalation.Open, Title: "Card payments fail in eu-west: 38 % declined by the gateway", Service: "payments",
			Kind: org.Technical, Priority: org.P1, Severity: alert.Critical, Policy: "critical-technical", Tier: 2, TierName: "Payments leads", Round: 1,
			Revision: "3f9a61c2d07be4489b1f", OpenedAt: ago(19 * time.Minute), Repeats: 11, ResolveBy: ago(19 * time.Minute).Add(4 * time.Hour),
			Told: []id.Person{"ana", "ben", "chioma"}, Next: escalation.Next{At: now.Add(4*time.Minute + 32*time.Second), Action: "climb", Target: "Head of engineering"},
		},
		ServiceName: "Payments", DedupKey: "eu-west/payments/decline-rate", Integration: "payments-events",
		Alert: alert.Alert{
			Source: "prometheus-eu-west-1", Client: "Grafana", ClientURL: "https://grafana.example.com/d/payments",
			Links: []alert.Link{{Href: "https://runbooks.example.com/payments/declines", Text: "Runbook: declines"}},
		},
	},
		entry(ago(19*time.Minute), escalation.EntryOpened, "monitor", "events", "E-42 opened as P1 for Payments: Card payments fail in eu-west: 38 % declined by the gateway"),
		entry(ago(19*time.Minute), escalation.EntryTier, "belay", "timer", "tier 1 (Payments on call) is called"),
		entry(ago(19*time.Minute), escalation.EntrySent, "belay", "voice", "Ana Pérez paged by voice (mobile)", "key", "E-42/t1/ana/mobile/1", "person", "ana", "method", "mobile", "purpose", "page"),
		entry(ago(1118*time.Second), escalation.EntryReceipt, "carrier", "twilio", "voice to Ana Pérez (mobile): busy", "key", "E-42/t1/ana/mobile/1", "person", "ana", "status", "busy"),
		entry(ago(1118*time.Second), escalation.EntrySent, "belay", "sms", "Ana Pérez paged by sms (text)", "key", "E-42/t1/ana/text/2", "person", "ana", "method", "text", "purpose", "page"),
		entry(ago(1115*time.Second), escalation.EntryReceipt, "carrier", "twilio", "sms to Ana Pérez (text): delivered", "key", "E-42/t1/ana/text/2", "person", "ana", "status", "delivered"),
		entry(ago(14*time.Minute), escalation.EntryRepeated, "monitor", "events", "fired again, 11 in all since it opened"),
		entry(ago(10*time.Minute), escalation.EntrySkipped, "belay", "timer", "person dmitri skipped: away until 2026-11-30", "reason", "away", "person", "dmitri", "target", "person dmitri"),
		entry(ago(9*time.Minute), escalation.EntrySent, "belay", "sms", "Ben Okafor paged by sms (text)", "key", "E-42/t1/ben/text/3", "person", "ben", "method", "text", "purpose", "page"),
		entry(ago(538*time.Second), escalation.EntryReceipt, "carrier", "twilio", "sms to Ben Okafor (text): undelivered, US A2P 10DLC: sender not registered", "key", "E-42/t1/ben/text/3", "person", "ben", "status", "undelivered", "code", "30034"),
		entry(ago(538*time.Second), escalation.EntrySent, "belay", "voice", "Ben Okafor paged by voice (mobile)", "key", "E-42/t1/ben/mobile/4", "person", "ben", "method", "mobile", "purpose", "page"),
		entry(ago(505*time.Second), escalation.EntryReceipt, "carrier", "twilio", "voice to Ben Okafor (mobile): no answer, nobody picked up", "key", "E-42/t1/ben/mobile/4", "person", "ben", "status", "no_answer"),
		entry(ago(5*time.Minute), escalation.EntryTier, "belay", "timer", "tier 2 (Payments leads) is called"),
		entry(ago(5*time.Minute), escalation.EntrySent, "belay", "voice", "Chioma Eze paged by voice (mobile)", "key", "E-42/t2/chioma/mobile/5", "person", "chioma", "method", "mobile", "purpose", "page"),
		entry(ago(5*time.Minute), escalation.EntryVendor, "belay", "timer", "vendor AcmeCloud is called in", "vendor", "acmecloud"),
		entry(ago(5*time.Minute), escalation.EntryVendor, "belay", "timer", "vendor PayGate is called in", "vendor", "paygate"),
		entry(ago(278*time.Second), escalation.EntryReceipt, "carrier", "twilio", "voice to Chioma Eze (mobile): answered", "key", "E-42/t2/chioma/mobile/5", "person", "chioma", "status", "answered"),
		entry(ago(3*time.Minute), escalation.EntryVendor, "vendor acmecloud", "link", "AcmeCloud: Sam Rivera has it", "vendor", "acmecloud"),
		entry(ago(2*time.Minute), escalation.EntryNoted, "ben", "link", "Ben Okafor: On a train without signal for ten minutes. Rolling back 4.18.2 is the first thing to try."),
	)
	h.Add(row("E-41", escalation.Acked, "Replication lag on ledger-db above 90 s", "ledger", "Ledger", org.P2, 47*time.Minute, now, func(s *escalation.Summary) {
		s.AcknowledgedBy, s.AcknowledgedAt = "chioma", ago(41*time.Minute)
		s.UpdateBy = now.Add(11 * time.Minute)
		s.Next = escalation.Next{At: s.UpdateBy, Action: "update_due", Target: "Chioma Eze"}
	}), entry(ago(47*time.Minute), escalation.EntryOpened, "monitor", "events", "E-41 opened"))
	h.Add(row("E-39", escalation.Open, "Nightly settlement file not delivered to three banks", "settlement", "Settlement", org.P3, 2*time.Hour, now, func(s *escalation.Summary) {
		s.TierName = "Operations desk"
		s.Next = escalation.Next{At: now.Add(-12 * time.Second), Action: "page", Target: "Farah Haddad by email"}
	}), entry(ago(2*time.Hour), escalation.EntryOpened, "monitor", "events", "E-39 opened"))
	h.Add(row("E-40", escalation.Acked, "Checkout latency p95 over 2 s for mobile app users in Brazil", "checkout", "Checkout", org.P2, 90*time.Minute, now, func(s *escalation.Summary) {
		s.AcknowledgedBy, s.AcknowledgedAt = "ana", ago(80*time.Minute)
		s.SnoozedUntil = now.Add(26 * time.Minute)
		s.Next = escalation.Next{At: s.SnoozedUntil, Action: "wake", Target: "Ana Pérez"}
	}), entry(ago(90*time.Minute), escalation.EntryOpened, "monitor", "events", "E-40 opened"))
	for i, title := range []string{"Certificate of api.acme.example expires in 3 days", "Disk 92 % on search-7"} {
		h.Add(row(id.OfNumber(int64(38-i)), escalation.ResolvedP, title, "search", "Search", org.P4, time.Duration(5+i)*time.Hour, now, func(s *escalation.Summary) {
			s.ResolvedBy, s.ResolvedAt = "ben", ago(time.Duration(3+i)*time.Hour)
			s.Next = escalation.Next{Action: "close", At: now.Add(time.Hour)}
		}))
	}
	h.furnish(now)
	return h
}

// furnish puts messages on phones and links into them.
func (h *House) furnish(now time.Time) {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const public = "http://127.0.0.1:8080"
	text := "P1 Payments: Card payments fail in eu-west: 38 % declined by the gateway. Reply ack 42, resolve 42 or esc 42."
	call := "This is Belay. Priority 1, Payments. Card payments fail in eu-west. Press 1 to acknowledge, 2 to escalate, 3 to resolve."
	for _, m := range []service.SandboxMessage{
		{At: ago(80 * time.Minute), Channel: org.SMS, Person: "ana", To: "+34600100001", Escalation: "E-40", Body: "P2 Checkout: latency p95 over 2 s. Reply ack 40.", Status: "delivered",
			Replies: []string{"ack 40", "→ You have E-40. Next update due 02:10 UTC.", "snooze 40 1h", "→ E-40 sleeps until 03:36 UTC."}},
		{At: ago(19 * time.Minute), Channel: org.Voice, Person: "ana", To: "+34600100001", Escalation: "E-42", Body: call, Status: "busy"},
		{At: ago(18 * time.Minute), Channel: org.SMS, Person: "ana", To: "+34600100001", Escalation: "E-42", Body: text, Link: public + "/a/" + BenLink, Status: "delivered"},
		{At: ago(9 * time.Minute), Channel: org.SMS, Person: "ben", To: "+2348030000002", Escalation: "E-42", Body: text, Status: "undelivered 30034"},
		{At: ago(8 * time.Minute), Channel: org.Voice, Person: "ben", To: "+2348030000002", Escalation: "E-42", Body: call, Status: "no-answer"},
		{At: ago(5 * time.Minute), Channel: org.Voice, Person: "chioma", To: "+2348030000003", Escalation: "E-42", Body: call, Status: "ringing"},
		{At: ago(5 * time.Minute), Channel: org.Email, Person: "sam", To: "oncall@acmecloud.example", Escalation: "E-42", Subject: "[Belay P1] Acme needs you: card payments fail in eu-west",
			Body: "Acme has called AcmeCloud in.\n\nCard payments fail in eu-west: 38 % declined by the gateway.\nPlease answer by 02:20 UTC.", Link: public + "/a/" + VendorLink, Status: "delivered",
			Replies: []string{"ack", "→ You have E-42 with AcmeCloud."}},
	} {
		h.Deliver(m)
	}
	brief := page.Brief{
		Escalation: "E-42", Title: "Card payments fail in eu-west: 38 % declined by the gateway", Service: "Payments", Priority: org.P1,
		Tier: "Payments on call", OpenedAt: ago(19 * time.Minute), AnswerBy: now.Add(4*time.Minute + 32*time.Second),
	}
	h.Remember(BenLink, service.Ticket{Workflow: "escalation/E-42", Person: "ben", Key: "E-42/t1/ben/text/3"}, brief)
	h.Remember(GoneLink, service.Ticket{Workflow: "escalation/E-42", Person: "gregor", Key: "E-42/t1/gregor/text/9"}, brief)
	brief.Vendor, brief.Tier = "acmecloud", "AcmeCloud duty desk"
	h.Remember(VendorLink, service.Ticket{Workflow: "vendor/E-42/acmecloud/1", Person: "sam", Key: "E-42/v/acmecloud.1/sam/mail/1"}, brief)
}

// Hostile is a house whose texts try to break the pages.
func Hostile(now time.Time) *House {
	h := Typical(now)
	bad := []string{
		`<script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`,
		"שלום \u202Eevil\u202C عاجل: فشل الدفع",
		strings.Repeat("a very long title ", 600),
		strings.Repeat("Ж", 10000),
		"line\r\nevent: board\r\ndata: forged\n\n",
		"\x00\x1b[31m\ufeff",
		"",
	}
	for i, text := range bad {
		e := id.OfNumber(int64(100 + i))
		h.Add(row(e, escalation.Open, text, id.Service(text), text, org.Priority(text), time.Minute, now, func(s *escalation.Summary) {
			s.TierName, s.Next.Target, s.Next.Action = text, text, "climb"
			s.AcknowledgedBy, s.Policy, s.Kind = id.Person(text), id.Policy(text), org.Kind(text)
			s.Severity = alert.Severity(text)
		}),
			entry(now, escalation.EntryOpened, text, text, text), entry(now, escalation.EntryTier, text, text, text),
			entry(now, escalation.EntrySent, text, text, text, "key", text, "person", text, "purpose", text),
			entry(now, escalation.EntryReceipt, text, text, text, "key", text, "status", text, "code", text),
			entry(now, escalation.EntryKind(text), text, text, text, "note", text),
		)
		h.rows[len(h.rows)-1].Alert = alert.Alert{
			Source: text, Client: text, ClientURL: "javascript:alert(1)",
			Links:  []alert.Link{{Href: "javascript:alert(1)", Text: text}, {Href: "https://ok.example/" + text, Text: text}},
			Images: []alert.Image{{Source: "data:text/html,x", Alt: text}},
		}
		h.Deliver(service.SandboxMessage{
			At: now, Channel: org.Channel(text), Person: id.Person(text), To: text, Escalation: e, Subject: text, Body: text,
			Link: "javascript:alert(1)", Status: text, Replies: []string{text, "→ " + text},
		})
		h.Deliver(service.SandboxMessage{At: now, Channel: org.SMS, Person: id.Person(text), Escalation: e, Body: text})
	}
	return h
}

func entry(at time.Time, kind escalation.EntryKind, actor, via, text string, detail ...string) escalation.Entry {
	e := escalation.Entry{At: at, Kind: kind, Actor: actor, Via: via, Text: text, Detail: map[string]string{}}
	for i := 0; i+1 < len(detail); i += 2 {
		if detail[i] == "key" {
			e.Key = detail[i+1]
			continue
		}
		e.Detail[detail[i]] = detail[i+1]
	}
	return e
}

func row(e id.Escalation, state escalation.Phase, title string, s id.Service, name string, p org.Priority, age time.Duration, now time.Time, more func(*escalation.Summary)) service.Escalation {
	summary := escalation.Summary{
		ID: e, State: state, Title: title, Service: s, Kind: org.Technical, Priority: p, Severity: alert.Error,
		Policy: "standard", Tier: 1, TierName: name + " on call", Round: 1, OpenedAt: now.Add(-age),
	}
	more(&summary)
	return service.Escalation{Summary: summary, ServiceName: name}
}

func company() *org.Org {
	madrid, lagos := time.FixedZone("CET", 3600), time.FixedZone("WAT", 3600)
	people := map[id.Person]org.Person{}
	for _, p := range []org.Person{
		{ID: "ana", Name: "Ana Pérez", Zone: madrid},
		{ID: "ben", Name: "Ben Okafor", Zone: lagos},
		{ID: "chioma", Name: "Chioma Eze", Zone: lagos},
		{ID: "dmitri", Name: "Dmitri Volkov", Zone: madrid},
		{ID: "farah", Name: "Farah Haddad", Zone: madrid},
		{ID: "gregor", Name: "Gregor Ilić", Departed: true},
		{ID: "sam", Name: "Sam Rivera", Vendor: "acmecloud"},
	} {
		people[p.ID] = p
	}
	services := map[id.Service]org.Service{}
	for _, s := range []org.Service{
		{ID: "payments", Name: "Payments"}, {ID: "ledger", Name: "Ledger"}, {ID: "checkout", Name: "Checkout"},
		{ID: "settlement", Name: "Settlement"}, {ID: "search", Name: "Search"},
	} {
		services[s.ID] = s
	}
	return &org.Org{
		Name: "Acme", People: people, Services: services,
		Vendors:      map[id.Vendor]org.Vendor{"acmecloud": {ID: "acmecloud", Name: "AcmeCloud"}, "paygate": {ID: "paygate", Name: "PayGate"}},
		Integrations: map[id.Integration]org.Integration{"payments-events": {ID: "payments-events", Kind: "events", Service: "payments", Key: "acme0payments0demo0routing0key00"}},
	}
}
