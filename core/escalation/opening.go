package escalation

import (
	"time"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

// Request is what somebody wants opened. An empty priority follows from the service's impact and the severity.
type Request struct {
	Title    string
	Source   string
	Severity alert.Severity
	Service  id.Service
	Kind     org.Kind
	Priority org.Priority
	At       time.Time
	By       Answer
}

// Prepare freezes the plan for a request: the opening lacks its ID only. An unknown service is fault.NotFound.
func Prepare(revision id.Revision, o *org.Org, r Request) (Opening, error) {
	service, ok := o.Services[r.Service]
	if !ok {
		return Opening{}, fault.New(fault.NotFound, "service %q is not in the blueprint", r.Service)
	}
	if r.Severity == "" {
		r.Severity = alert.Error
	}
	if r.Kind == "" {
		r.Kind = org.Technical
	}
	if r.Priority == "" {
		r.Priority = alert.Priority(service.Impact, r.Severity)
	}
	plan, err := policy.Compile(revision, o, r.Service, r.Kind, r.Priority)
	if err != nil {
		return Opening{}, err
	}
	unit := service.Unit
	if unit == "" {
		unit = o.Teams[service.Owner].Unit
	}
	return Opening{
		Title: r.Title, Source: r.Source, Severity: r.Severity, Service: r.Service, ServiceName: service.Name,
		Unit: unit, Impact: service.Impact, Kind: r.Kind, Plan: plan, OpenedAt: r.At, By: r.By, Rules: CurrentRules,
	}, nil
}

// Engaging prepares a vendor's engagement inside an escalation, from the revision that is current when it is called in.
func Engaging(revision id.Revision, o *org.Org, parent Summary, vendor id.Vendor, number int, at time.Time) (Opening, error) {
	v, ok := o.Vendors[vendor]
	if !ok {
		return Opening{}, fault.New(fault.NotFound, "vendor %q is not in the blueprint", vendor)
	}
	plan, err := policy.Engage(revision, o, vendor, parent.Priority)
	if err != nil {
		return Opening{}, err
	}
	name := string(parent.Service)
	if s, ok := o.Services[parent.Service]; ok {
		name = s.Name
	}
	return Opening{
		ID: parent.ID, Title: parent.Title, Severity: parent.Severity, Service: parent.Service, ServiceName: name,
		Unit: parent.Unit, Kind: parent.Kind, Plan: plan, OpenedAt: at, By: Answer{By: "belay", Via: "escalation"}, Rules: CurrentRules,
		Vendor: &Engagement{Vendor: v.ID, Name: v.Name, Cover: v.Cover, Ack: v.Ack, Resolve: v.Resolve, Number: number},
	}, nil
}
