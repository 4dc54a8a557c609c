package web_test

import (
	"context"
	"testing"
	"time"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/sla"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/web"
	"github.com/belayhq/belay/web/webtest"
)

// promises of one ticket.
type promises struct {
	clocks []sla.Clock
	err    error
}

func (p promises) Clocks(context.Context, service.Caller, id.Escalation) ([]sla.Clock, error) {
	return p.clocks, p.err
}

func TestAnEscalationShowsThePromisesOfItsTicket(t *testing.T) {
	h := webtest.Typical(night)
	h.Happens("E-42", escalation.EntryThreshold, "belay", "looked at", func(row *service.Escalation) { row.Ticket = "servicenow/INC1" })
	closed := org.Calendar{Zone: time.UTC, Hours: map[time.Weekday][]org.Span{night.Add(24 * time.Hour).Weekday(): {{From: 9 * 60, Until: 17 * 60}}}}
	kept := promises{clocks: []sla.Clock{
		{Name: "Answer in <4 h>", Target: 4 * time.Hour, Hours: &closed, Segments: []sla.Segment{{From: night.Add(-time.Hour)}}},
		{Name: "Solve", Target: 4 * time.Hour, Segments: []sla.Segment{
			{From: night.Add(-2 * time.Hour), Until: night.Add(-time.Hour)}, {From: night.Add(-time.Hour), Paused: true, Reason: "waiting"},
		}},
		{Name: "Over", Target: time.Hour, End: sla.Met, Segments: []sla.Segment{{From: night.Add(-time.Hour), Until: night}}},
	}}
	page := open(t, site(t, h, func(o *web.Options) { o.Promises = kept })).page("/escalations/E-42")
	shows(t, page, "<bdi>Answer in &lt;4 h&gt;</bdi>", `aria-label="Answer in &lt;4 h&gt;: 0 percent used`, "Outside business hours: counts again from",
		`class="closed"`, `fill="url(#hatch-closed)"`, "hatched: outside business hours",
		"Stands: the ticket waits", "3 h left when it goes on", `class="stood"`)
	hides(t, page, "Over:", "<progress")

	broken := open(t, site(t, h, func(o *web.Options) { o.Promises = promises{err: fault.New(fault.Unavailable, "no database")} })).page("/escalations/E-42")
	shows(t, broken, "Acknowledge")
	hides(t, broken, "Stands:")
}
