package activities

import (
	"context"
	"time"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

// Planner makes plans from the revision that an escalation was opened under.
type Planner struct {
	Revisions   Revisions
	Directories Directories
	Now         func() time.Time
}

// Compile makes the plan that a revision has for another priority.
func (p *Planner) Compile(ctx context.Context, c contract.Compile) (policy.Plan, error) {
	frozen, err := p.Revisions.Org(ctx, c.Revision)
	if err != nil {
		return policy.Plan{}, err
	}
	return policy.Compile(c.Revision, frozen, c.Service, c.Kind, c.Priority)
}

// Engage makes the opening of a vendor's engagement. When the revision cannot be read, or does not know the vendor, the
// organisation as it is now has to do: a vendor called in by today's contract is better than none.
func (p *Planner) Engage(ctx context.Context, e contract.Engage) (escalation.Opening, error) {
	revision, o := id.Revision(e.Parent.Revision), (*org.Org)(nil)
	if frozen, err := p.Revisions.Org(ctx, revision); err == nil {
		o = frozen
	}
	if o == nil || !knows(o, e.Vendor) {
		now := p.Directories.Current()
		revision, o = now.Revision, now.Org
	}
	if o == nil || !knows(o, e.Vendor) {
		return escalation.Opening{}, fault.New(fault.NotFound, "vendor %q of revision %s", e.Vendor, e.Parent.Revision)
	}
	return escalation.Engaging(revision, o, e.Parent, e.Vendor, e.Number, p.Now())
}

func knows(o *org.Org, v id.Vendor) bool {
	_, known := o.Vendors[v]
	return known
}
