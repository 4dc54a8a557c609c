package bench

import (
	"fmt"
	"strings"
	"time"
)

// The organisation that is measured: a person per sink path, a service per question.
const (
	serviceLife   = "bench-life"   // one person, who is patient; over as soon as it is resolved
	serviceText   = "bench-text"   // the same by SMS
	serviceLadder = "bench-ladder" // a tier every two seconds
	people        = 100            // of the burst, with a service each
	doors         = 8              // integrations through which the accept rows go: each may take 2,000 events a second

	ladderTiers = 6
	ladderStep  = 2 * time.Second
	shortest    = 20 // seconds until the second tier of the services of the lateness rows
	longest     = 150
)

func serviceBurst(i int) string { return fmt.Sprintf("bench-burst-%02d", i) }
func serviceDoor(i int) string  { return fmt.Sprintf("bench-door-%d", i) }

// serviceLate has its second step so many seconds after the first.
func serviceLate(seconds int) string { return fmt.Sprintf("bench-late-%03d", seconds) }

// routingKey of a service.
func (o Options) routingKey(service string) string { return o.Key + "-" + service }

// Blueprint is the organisation that the bench needs, as one file for `belay apply`. Messages go to the sink; routing
// keys begin with key.
func Blueprint(sink, key string) string {
	b := &draft{sink: sink, key: key}
	b.add(`kind: organisation
id: bench
name: Bench
catch_all: {targets: [{person: last}], ack_within: 1d}
---
{kind: unit, id: bench, name: Bench}
---
{kind: team, id: crew, name: Crew, unit: bench, lead: last, members: [last]}`)
	b.person("last", false)
	for i := range people {
		b.person(fmt.Sprintf("p%02d", i), false)
	}
	for _, id := range []string{"lead", "life", "late1", "late2"} { // rows that await a message for each alert
		b.person(id, true)
	}
	b.add(`{kind: person, id: texted, name: Texted, methods: [{id: mobile, sms: "+12125550111", each: true}]}`)

	b.service(serviceLife, true, tier("life", "10m"))
	b.service(serviceText, true, tier("texted", "10m"))
	var ladder []string
	for i := range ladderTiers {
		b.person(fmt.Sprintf("rung%d", i), true)
		ladder = append(ladder, tier(fmt.Sprintf("rung%d", i), ladderStep.String()))
	}
	b.service(serviceLadder, false, append(ladder, tier("lead", "1d"))...)
	for i := range people {
		b.service(serviceBurst(i), true, tier(fmt.Sprintf("p%02d", i), "1d"))
	}
	for i := range doors {
		b.service(serviceDoor(i), true, tier(fmt.Sprintf("p%02d", i), "1d"))
	}
	for i := range stormPeople {
		b.person(personStorm(i), false)
	}
	for i := range stormServices {
		b.service(serviceStorm(i), true, tier(personStorm(i%stormPeople), "1d"))
	}
	for seconds := shortest; seconds <= longest; seconds++ {
		b.service(serviceLate(seconds), false, tier("late1", fmt.Sprintf("%ds", seconds)), tier("late2", "1d"))
	}
	return b.String()
}

type draft struct {
	strings.Builder
	sink, key string
}

func (b *draft) add(document string) { fmt.Fprintf(b, "---\n%s\n", document) }

// person at a path of the sink; each: no digests.
func (b *draft) person(id string, each bool) {
	b.add(fmt.Sprintf("{kind: person, id: %[1]s, name: %[1]s, methods: [{id: hook, webhook: %[2]q, each: %[3]t}]}", id, b.sink+hookPath+id, each))
}

// service with a policy of its own; heard: alerts come in for it.
func (b *draft) service(id string, heard bool, tiers ...string) {
	b.add(fmt.Sprintf("{kind: service, id: %[1]s, name: %[1]s, owner: crew, tier: 1}", id))
	b.add(fmt.Sprintf("{kind: policy, id: %[1]s, for: {services: [%[1]s]}, tiers: [%s], reopen_within: 1s}", id, strings.Join(tiers, ", ")))
	if heard {
		b.add(fmt.Sprintf("{kind: integration, id: %[1]s-events, service: %[1]s, key: %[2]s}", id, Options{Key: b.key}.routingKey(id)))
	}
}

func tier(person, within string) string {
	return fmt.Sprintf("{targets: [{person: %s}], ack_within: %s}", person, within)
}
