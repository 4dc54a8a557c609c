package activities

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/contract"
	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

// shelf holds old revisions; one that is missing is as good as a database that is away.
type shelf map[id.Revision]*org.Org

func (s shelf) Org(_ context.Context, revision id.Revision) (*org.Org, error) {
	if o, there := s[revision]; there {
		return o, nil
	}
	return nil, fault.New(fault.Unavailable, "revision %s", revision)
}

func company(vendorName string, tiers ...org.Tier) *org.Org {
	return &org.Org{
		Services: map[id.Service]org.Service{"payments": {ID: "payments", Name: "Payments"}},
		Vendors: map[id.Vendor]org.Vendor{"acmecloud": {
			ID: "acmecloud", Name: vendorName, Cover: "office", Ack: 15 * time.Minute, Owner: "platform", Contacts: []id.Person{"vic"},
		}},
		Policies: []org.Policy{{ID: "p", Tiers: tiers}},
		CatchAll: org.Tier{Name: "catch-all"},
	}
}

func TestAnEscalationKeepsTheRevisionItWasOpenedUnder(t *testing.T) {
	old, now := company("Old Name", org.Tier{Name: "old"}), company("New Name", org.Tier{Name: "new"})
	p := &Planner{
		Revisions:   shelf{"r1": old},
		Directories: town{policy.Directory{Revision: "r2", Org: now}},
		Now:         func() time.Time { return noon },
	}
	plan, err := p.Compile(t.Context(), contract.Compile{Revision: "r1", Service: "payments", Kind: org.Technical, Priority: "P2"})
	require.NoError(t, err)
	require.Equal(t, "old", plan.Tiers[0].Name)
	require.Equal(t, id.Revision("r1"), plan.Revision)

	_, err = p.Compile(t.Context(), contract.Compile{Revision: "r0", Service: "payments"})
	require.True(t, fault.Retryable(err), "a revision that cannot be read now is asked for again: %v", err)

	parent := escalation.Summary{ID: "E-42", Title: "card payments fail", Service: "payments", Priority: "P1", Revision: "r1"}
	opening, err := p.Engage(t.Context(), contract.Engage{Parent: parent, Vendor: "acmecloud", Number: 2})
	require.NoError(t, err)
	require.Equal(t, escalation.Engagement{Vendor: "acmecloud", Name: "Old Name", Cover: "office", Ack: 15 * time.Minute, Number: 2}, *opening.Vendor)
	require.Equal(t, id.Escalation("E-42"), opening.ID)
	require.Equal(t, "Payments", opening.ServiceName)
	require.Equal(t, id.Team("platform"), opening.Plan.Owner)
	require.Equal(t, noon, opening.OpenedAt)

	parent.Revision = "r0"
	opening, err = p.Engage(t.Context(), contract.Engage{Parent: parent, Vendor: "acmecloud", Number: 1})
	require.NoError(t, err, "a vendor is called in even when the old revision cannot be read")
	require.Equal(t, "New Name", opening.Vendor.Name)

	_, err = p.Engage(t.Context(), contract.Engage{Parent: parent, Vendor: "stranger"})
	require.True(t, fault.Is(err, fault.NotFound), "%v", err)
}

func TestTimeRunsOnTheCalendarIfThereIsOne(t *testing.T) {
	office := org.Calendar{ID: "office", Zone: time.UTC, Hours: map[time.Weekday][]org.Span{time.Tuesday: {{From: 9 * 60, Until: 17 * 60}}}}
	never := org.Calendar{ID: "never", Zone: time.UTC}
	d := &Directory{Directories: town{policy.Directory{Org: &org.Org{Calendars: map[id.Calendar]org.Calendar{"office": office, "never": never}}}}}

	for calendar, want := range map[id.Calendar]time.Time{
		"":        noon.Add(time.Hour),
		"removed": noon.Add(time.Hour),
		"office":  time.Date(2026, 3, 3, 10, 0, 0, 0, time.UTC), // noon is a Monday
	} {
		reckoned, err := d.Reckon(t.Context(), contract.Reckon{Calendar: calendar, From: noon, For: time.Hour})
		require.NoError(t, err, calendar)
		require.Equal(t, want, reckoned.Due, calendar)
	}
	_, err := d.Reckon(t.Context(), contract.Reckon{Calendar: "never", From: noon, For: time.Hour})
	require.False(t, fault.Retryable(err), "asking again would never end: %v", err)
}
