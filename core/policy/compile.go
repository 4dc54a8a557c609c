package policy

import (
	"slices"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// vendorAck is how long a vendor's contact has when neither a ladder nor a promise says it.
const vendorAck = 15 * time.Minute

// Compile freezes the ladder for one service, kind and priority: that of the first policy that matches all three, where
// an empty condition matches everything. When none matches, the plan has no tiers of its own and only the catch-all
// is told: silence would be worse than an error. An unknown service is fault.NotFound.
func Compile(revision id.Revision, o *org.Org, service id.Service, kind org.Kind, p org.Priority) (Plan, error) {
	if _, ok := o.Services[service]; !ok {
		return Plan{}, fault.New(fault.NotFound, "service %q is not in the blueprint", service)
	}
	plan := Plan{Revision: revision, Priority: p, CatchAll: o.CatchAll}
	for _, candidate := range o.Policies {
		if !matches(candidate.Services, service) || !matches(candidate.Kinds, kind) || !matches(candidate.Priorities, p) {
			continue
		}
		plan.Policy = candidate.ID
		plan.Tiers = slices.Clone(candidate.Tiers)
		plan.Repeat, plan.Reopen = candidate.Repeat, candidate.Reopen
		break
	}
	return plan, nil
}

func matches[T comparable](condition []T, value T) bool {
	return len(condition) == 0 || slices.Contains(condition, value)
}

// Engage is a vendor's own ladder as a plan. Its catch-all is its last tier: a vendor's silence is told to our owner, not
// to our catch-all. A vendor without a ladder has its contacts, one after the other; one without contacts either is
// answered for by its owner. An unknown vendor is fault.NotFound.
func Engage(revision id.Revision, o *org.Org, vendor id.Vendor, p org.Priority) (Plan, error) {
	v, ok := o.Vendors[vendor]
	if !ok {
		return Plan{}, fault.New(fault.NotFound, "vendor %q is not in the blueprint", vendor)
	}
	tiers := slices.Clone(v.Tiers)
	if len(tiers) == 0 {
		tiers = []org.Tier{contactsOf(v)}
	}
	return Plan{Revision: revision, Priority: p, Tiers: tiers, CatchAll: tiers[len(tiers)-1], Owner: v.Owner}, nil
}

func contactsOf(v org.Vendor) org.Tier {
	tier := org.Tier{Name: "contacts", AckWithin: v.Ack, Direction: org.Functional}
	if tier.AckWithin <= 0 {
		tier.AckWithin = vendorAck
	}
	for i, person := range v.Contacts {
		if i == 0 {
			tier.Targets = []org.Target{{Person: person}}
			continue
		}
		tier.Backups = append(tier.Backups, org.Target{Person: person})
	}
	if len(v.Contacts) == 0 {
		tier.Name, tier.Targets = "owner", []org.Target{{Team: v.Owner}}
	}
	return tier
}
