package blueprint_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// told is a person with a ladder of these channels, in this order.
func told(name id.Person, channels ...org.Channel) org.Person {
	p := org.Person{ID: name, Ladders: map[org.Urgency][]org.Rung{}}
	for i, channel := range channels {
		method := id.Method(fmt.Sprint(channel, i))
		p.Methods = append(p.Methods, org.Method{ID: method, Channel: channel})
		p.Ladders[org.High] = append(p.Ladders[org.High], org.Rung{Method: method, Wait: time.Minute})
	}
	return p
}

func company(people ...org.Person) *org.Org {
	o := &org.Org{People: map[id.Person]org.Person{}, Teams: map[id.Team]org.Team{}, Schedules: map[id.Schedule]org.Schedule{}}
	for _, p := range people {
		o.People[p.ID] = p
	}
	o.CatchAll = org.Tier{Targets: []org.Target{{Person: people[len(people)-1].ID}}}
	return o
}

func messages(found []blueprint.Error) (all []string) {
	for _, one := range found {
		all = append(all, one.Message)
	}
	return all
}

const (
	together = ": every method leaves by twilio, so that the fallback fails together with what it backs: add a method by another way, or a second provider"
	alone    = ": everybody in every tier and backup is reached through twilio alone: without it nobody is told before the catch-all"
)

func TestAFallbackMustNotShareTheProviderOfWhatItBacks(t *testing.T) {
	one := blueprint.Providers{org.SMS: {"twilio"}, org.Voice: {"twilio"}, org.Email: {"smtp"}}
	two := blueprint.Providers{org.SMS: {"twilio", "gateway"}, org.Voice: {"twilio"}}
	for name, scene := range map[string]struct {
		providers blueprint.Providers
		person    org.Person
		want      []string
	}{
		"sms and voice by one":      {one, told("ana", org.SMS, org.Voice), []string{"ana" + together}},
		"mail is another way":       {one, told("ana", org.SMS, org.Voice, org.Email), nil},
		"one method has no backing": {one, told("ana", org.SMS), nil},
		"a second for the first":    {two, told("ana", org.SMS, org.Voice), nil},
		"a way without a carrier":   {one, told("ana", org.SMS, org.Voice, org.Webhook), []string{"ana" + together}},
		"nothing is known":          {nil, told("ana", org.SMS, org.Voice), nil},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, scene.want, messages(blueprint.Shared(company(scene.person), scene.providers)))
		})
	}
	departed := told("ana", org.SMS, org.Voice)
	departed.Departed = true
	require.Empty(t, blueprint.Shared(company(departed), one))
	var many []org.Person
	for i := range 7 {
		many = append(many, told(id.Person(fmt.Sprint("p", i)), org.SMS, org.Voice))
	}
	require.Equal(t, []string{"p0, p1, p2, p3, p4 and 2 more" + together}, messages(blueprint.Shared(company(many...), one)))
}

func TestALadderMustNotHangByOneProvider(t *testing.T) {
	providers := blueprint.Providers{org.SMS: {"twilio"}, org.Voice: {"twilio"}, org.Email: {"smtp"}}
	ana, ben, cara, eva := told("ana", org.SMS), told("ben", org.Voice), told("cara", org.Email), told("eva", org.SMS)
	tier := func(targets ...org.Target) org.Tier { return org.Tier{Targets: targets} }
	person := func(p id.Person) org.Target { return org.Target{Person: p} }
	for name, scene := range map[string]struct {
		tiers []org.Tier
		last  id.Person
		want  []string
	}{
		"the second tier shares it": {[]org.Tier{tier(person("ana")), tier(person("ben"))}, "cara", []string{"payments" + alone}},
		"and the catch-all too":     {[]org.Tier{tier(person("ana"))}, "eva", []string{"payments" + alone + ", and nobody then"}},
		"the second tier differs":   {[]org.Tier{tier(person("ana")), tier(person("cara"))}, "eva", nil},
		"the backup differs":        {[]org.Tier{{Targets: []org.Target{person("ana")}, Backups: []org.Target{person("cara")}}}, "eva", nil},
		"a team and a schedule":     {[]org.Tier{tier(org.Target{Team: "crew"}), tier(org.Target{Schedule: "week"})}, "cara", []string{"payments" + alone}},
	} {
		t.Run(name, func(t *testing.T) {
			o := company(ana, ben, cara, eva)
			o.Teams["crew"] = org.Team{ID: "crew", Members: []id.Person{"ana", "ben"}}
			o.Schedules["week"] = org.Schedule{ID: "week", Layers: []org.Layer{{People: []id.Person{"ana", "", "ben"}}}}
			o.Policies = []org.Policy{{ID: "payments", Tiers: scene.tiers}}
			o.CatchAll = tier(person(scene.last))
			require.Equal(t, scene.want, messages(blueprint.Shared(o, providers)))
		})
	}
}
