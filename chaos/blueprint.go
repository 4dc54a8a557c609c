package chaos

import (
	"fmt"
	"strings"
	"time"
)

const (
	people    = 8 // by webhook, and as many by SMS
	services  = 8
	step      = 4 * time.Second
	rungs     = 5
	ourNumber = "+12125550100"
	hookPath  = "/hooks/"

	gatewayPath = "/gateway/"
)

// steep is the ladder of every service: webhook, SMS, webhook, its backup, and in the end somebody who waits.
var steep = Ladder{Rungs: rungs, Step: step}

func service(n int) string    { return fmt.Sprintf("chaos-%d", n%services) }
func routingKey(n int) string { return fmt.Sprintf("chaos0demo0key-%d", n%services) }
func phone(n int) string      { return fmt.Sprintf("+1212555%04d", 1000+n) }

// blueprint is an organisation whose ladders have steps of seconds. Whoever has an SMS has a webhook after it. Every
// page leaves by itself, unless webhooks are to gather them in a storm.
func blueprint(sink string, gather bool) string {
	var b strings.Builder
	add := func(text string, args ...any) { fmt.Fprintf(&b, "---\n"+text+"\n", args...) }
	add(`kind: organisation
id: chaos
name: Chaos
catch_all: {targets: [{person: last}], ack_within: 1d}
---
{kind: unit, id: chaos, name: Chaos}
---
{kind: team, id: crew, name: Crew, unit: chaos, lead: last, members: [last]}`)
	hook := func(id string) {
		add("{kind: person, id: %[1]s, name: %[1]s, methods: [{id: hook, webhook: %[2]q, each: %[3]t}]}", id, sink+hookPath+id, !gather)
	}
	hook("last")
	for n := range people {
		hook(fmt.Sprintf("hook%d", n))
		hook(fmt.Sprintf("spare%d", n))
		add("{kind: person, id: text%[1]d, name: text%[1]d, methods: [{id: mobile, sms: %[2]q, each: true}, {id: hook, webhook: %[3]q, each: %[4]t}], "+
			"ladder: {high: [{use: mobile, wait: 2s}, {use: hook}]}}", n, phone(n), sink+hookPath+fmt.Sprintf("text%d", n), !gather)
	}
	for n := range services {
		within := step.String()
		add("{kind: service, id: %[1]s, name: %[1]s, owner: crew, tier: 1}", service(n))
		add("{kind: policy, id: %[1]s, for: {services: [%[1]s]}, tiers: ["+
			"{targets: [{person: hook%[2]d}], ack_within: %[4]s}, {targets: [{person: text%[2]d}], ack_within: %[4]s}, "+
			"{targets: [{person: hook%[3]d}], backups: [{person: spare%[2]d}], ack_within: %[4]s}, {targets: [{person: last}], ack_within: 1d}], reopen_within: 2s}",
			service(n), n, (n+1)%people, within)
		add("{kind: integration, id: %[1]s-events, service: %[1]s, key: %[2]s}", service(n), routingKey(n))
	}
	return b.String()
}
