package servicetest

import (
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

// Key is the routing key of the integration in Company.
const Key = "acme0payments0demo0routing0key00"

// Company is a small organisation: Ana and Ben on the schedule payments-primary of team payments, Dora who has left,
// and Vik who works for the vendor acmecloud.
func Company() *org.Org {
	person := func(p id.Person, name, number string, vendor id.Vendor) org.Person {
		return org.Person{
			ID: p, Name: name, Zone: time.UTC, Vendor: vendor,
			Methods: []org.Method{
				{ID: "mobile", Channel: org.SMS, Address: number},
				{ID: "mail", Channel: org.Email, Address: string(p) + "@acme.example"},
			},
			Ladders: map[org.Urgency][]org.Rung{org.High: {{Method: "mobile"}}, org.Low: {{Method: "mail"}}},
		}
	}
	gone := person("dora", "Dora Diaz", "+4915550000004", "")
	gone.Departed = true
	tier := org.Tier{
		Name: "primary", Targets: []org.Target{{Schedule: "payments-primary"}}, AckWithin: 5 * time.Minute,
		Direction: org.Functional,
	}
	return &org.Org{
		Name:  "Acme",
		Units: map[id.Unit]org.Unit{"emea": {ID: "emea", Name: "EMEA", Zone: time.UTC}},
		Teams: map[id.Team]org.Team{"payments": {ID: "payments", Name: "Payments", Unit: "emea", Lead: "ana", Members: []id.Person{"ana", "ben"}}},
		People: map[id.Person]org.Person{
			"ana":  person("ana", "Ana Pérez", "+34600000001", ""),
			"ben":  person("ben", "Ben Okoro", "+4915550000002", ""),
			"dora": gone,
			"vik":  person("vik", "Vik Rao", "+919000000003", "acmecloud"),
		},
		Services: map[id.Service]org.Service{
			"payments": {ID: "payments", Name: "Payments", Unit: "emea", Owner: "payments", Tier: 1, Impact: 1},
		},
		Integrations: map[id.Integration]org.Integration{
			"payments-events": {ID: "payments-events", Kind: "events", Service: "payments", Key: Key, Alert: org.Technical},
		},
		Schedules: map[id.Schedule]org.Schedule{
			"payments-primary": {
				ID: "payments-primary", Name: "Payments primary", Team: "payments", Zone: time.UTC,
				Layers: []org.Layer{{
					Name: "week", People: []id.Person{"ana", "ben"}, Rotation: org.Rotation{Every: org.Weekly, Count: 1},
					Start: time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC),
				}},
			},
		},
		Vendors: map[id.Vendor]org.Vendor{
			"acmecloud": {ID: "acmecloud", Name: "Acme Cloud", Owner: "payments", Contacts: []id.Person{"vik"}},
		},
		Policies: []org.Policy{{ID: "all", Name: "All", Tiers: []org.Tier{tier}, Reopen: 24 * time.Hour}},
		CatchAll: org.Tier{Name: "catch-all", Targets: []org.Target{{Person: "ben"}}, AckWithin: time.Hour, Direction: org.Functional},
	}
}

// Organisation is a fixed directory.
type Organisation struct{ Directory policy.Directory }

// Current implements service.Organisation.
func (o Organisation) Current() policy.Directory { return o.Directory }
