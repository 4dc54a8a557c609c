package blueprint

import (
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Formats in which a canary can speak: those of POST /in/{format}/{key}, and clients that know a path of their own ("…-api"). Of
// "json" only the integration knows the words, and nobody but Amazon can sign for "sns".
func Formats() []string {
	return []string{"alertmanager", "alertmanager-api", "azure-monitor", "datadog", "dynatrace", "elastic", "freshservice", "gcp-monitoring",
		"goalert", "grafana", "grafana-oncall", "healthchecks", "jira", "json", "nagios", "newrelic", "opsgenie-api", "opsgenie-webhook",
		"pagerduty", "pagerduty-api", "pagerduty-webhook", "pingdom", "sentry", "servicenow", "site24x7", "splunk-oncall", "uptime-kuma",
		"zabbix", "zendesk"}
}

// How often a canary may fly.
const (
	oftenest = time.Minute
	rarest   = 24 * time.Hour
)

func canary() shape {
	body := func(doc string) shape { return shape{form: formBody, doc: doc} }
	return shape{form: formRecord, doc: "An alert that Belay sends to itself through this integration, to see whether the next real one would arrive. A robot is told, nobody else.",
		keys: []key{
			{"every", true, lasts("How often, from 1m to 24h; an alert that does not arrive is told within two of these.", "")},
			{"service", true, ref(KindService, "What is broken when it does not arrive: an escalation of this service names the hop.")},
			{"format", false, one("Whose words it speaks, as in POST /in/{format}/{key}; those that end in -api are spoken where clients of PagerDuty, Opsgenie and Alertmanager knock.", "pagerduty", Formats()...)},
			{"bodies", false, shape{form: formRecord, doc: "Requests in its own words, for json.", fallback: "those that Belay knows of the format", keys: []key{
				{"firing", true, body("A request that triggers one alert.")},
				{"resolved", true, body("A request that resolves it.")},
			}}},
		}}
}

func (b builder) canary(n node) *org.Canary {
	v := b.value(n, "canary")
	if v == nil {
		return nil
	}
	c := &org.Canary{Every: b.duration(v, "every", 0), Format: b.text(v, "format", "pagerduty"), Service: id.Service(b.text(v, "service", ""))}
	if bodies := b.value(v, "bodies"); bodies != nil {
		c.Bodies = &org.Bodies{Firing: b.text(bodies, "firing", ""), Resolved: b.text(bodies, "resolved", "")}
	}
	return c
}

// canary that flies too often, or has no words.
func (v reviewer) canary(doc *document) {
	said := get(doc.root, "canary")
	in, known := v.org.Integrations[id.Integration(doc.id)]
	if said == nil || !known || in.Canary == nil || v.damagedBelow(said) {
		return
	}
	if c := in.Canary; c.Every < oftenest || c.Every > rarest {
		v.fail(doc.path, get(said, "every"), "canary.every", "must be from 1m to 24h, not %s", lasting(c.Every))
	}
	if in.Canary.Format == "pagerduty-api" && in.Secret != "" {
		v.fail(doc.path, said, "canary.format", "pagerduty-api cannot prove the secret of this integration: its senders know the key alone")
	}
	if in.Canary.Format != "json" {
		return
	}
	if in.Mapping == nil {
		v.fail(doc.path, said, "canary.format", "json needs a mapping of this integration")
	}
	if in.Canary.Bodies == nil {
		v.fail(doc.path, said, "canary.bodies", "is missing: only this integration knows what its JSON looks like")
	}
}

func (d *difference) canary(was, becomes *org.Canary) {
	switch {
	case was == nil && becomes == nil:
	case was == nil:
		d.say(Changed, "a canary walks through it every %s; service %s is told when it does not arrive", lasting(becomes.Every), becomes.Service)
	case becomes == nil:
		d.say(Changed, "no canary walks through it any more: nobody is told when its alerts stop arriving")
	default:
		d.lasting("canary comes every", was.Every, becomes.Every)
		d.word("canary tells service", string(was.Service), string(becomes.Service))
		d.text("canary speaks", was.Format, becomes.Format)
		if bodies(was) != bodies(becomes) {
			d.say(Changed, "the canary's own words changed")
		}
	}
}

func bodies(c *org.Canary) org.Bodies {
	if c.Bodies == nil {
		return org.Bodies{}
	}
	return *c.Bodies
}
