package service_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/escalation"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

func TestTheDirectoryHoldsWhatWasAppliedAndWhatIsLive(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	revisions, overrides, barred := &servicetest.Revisions{}, &servicetest.Overrides{}, &servicetest.Barred{}
	parsed := 0
	d := &service.Directory{
		Revisions: revisions, Overrides: overrides, Barred: barred, Now: func() time.Time { return now }, Log: quiet,
		Retry: time.Millisecond,
		Parse: func(files []service.File) (*org.Org, error) {
			parsed++
			if files[0].Content == "broken" {
				return nil, errors.New("cannot be read")
			}
			return &org.Org{Name: files[0].Content}, nil
		},
	}
	apply := func(hash id.Revision, content string) {
		require.NoError(t, revisions.Apply(ctx(), "", service.Revision{
			Hash: hash, Files: []service.File{{Path: "a.yaml", Content: content}},
		}, service.Deed{}))
	}

	require.NoError(t, d.Refresh(ctx()))
	require.NotNil(t, d.Current().Org, "before the first apply it is empty, never nil")

	apply("r1", "Acme")
	_, err := overrides.Create(ctx(), org.Override{ID: "o1", Schedule: "s", From: now, Until: now.Add(time.Hour)}, service.Deed{})
	require.NoError(t, err)
	require.NoError(t, barred.Bar(ctx(), policy.Way{Person: "ana", Method: "mobile"}, "opted out", service.Deed{}))
	require.NoError(t, d.Refresh(ctx()))
	require.NoError(t, d.Refresh(ctx()))
	require.Equal(t, "Acme", d.Current().Org.Name)
	require.Len(t, d.Current().Live.Overrides, 1)
	require.Len(t, d.Current().Live.Barred, 1)
	require.Equal(t, 1, parsed, "a revision never changes: it is read once")

	apply("r2", "broken")
	require.Error(t, d.Refresh(ctx()))
	require.Equal(t, id.Revision("r1"), d.Current().Revision, "what cannot be read does not take the place of what works")

	old, err := d.Org(ctx(), "r1")
	require.NoError(t, err)
	require.Equal(t, "Acme", old.Name)
	_, err = d.Org(ctx(), "r9")
	require.True(t, fault.Is(err, fault.NotFound), err)

	changes, stopped := make(chan string), make(chan struct{})
	go func() { d.Run(ctx(), changes); close(stopped) }()
	apply("r3", "Acme & Sons")
	changes <- "blueprint"
	require.Eventually(t, func() bool { return d.Current().Revision == "r3" }, time.Minute, time.Millisecond)
	close(changes)
	<-stopped
}

func TestOverridesAreCheckedBeforeTheyAreKept(t *testing.T) {
	h := newHouse(t)
	kept := &servicetest.Overrides{}
	covers := &service.Covers{Organisation: h.organisation, Overrides: kept, Now: func() time.Time { return h.now }}
	fine := org.Override{
		Schedule: "payments-primary", Person: "ben", From: h.now.Add(time.Hour), Until: h.now.Add(9 * time.Hour), Reason: "swap",
	}
	made, err := covers.Create(ctx(), ana(), fine)
	require.NoError(t, err)
	require.NotEmpty(t, made.ID)
	require.Equal(t, "ana", kept.Deeds[0].Actor)
	require.Equal(t, "swap", kept.Deeds[0].Reason)

	_, err = covers.Create(ctx(), ana(), fine)
	require.True(t, fault.Is(err, fault.Conflict), "it overlaps: %v", err)

	for name, c := range map[string]struct {
		change func(*org.Override)
		field  string
	}{
		"no such schedule":  {func(o *org.Override) { o.Schedule = "x" }, "schedule"},
		"no such person":    {func(o *org.Override) { o.Person = "x" }, "person"},
		"somebody who left": {func(o *org.Override) { o.Person = "dora" }, "person"},
		"a vendor's person": {func(o *org.Override) { o.Person = "vik" }, "person"},
		"no beginning":      {func(o *org.Override) { o.From = time.Time{} }, "from"},
		"no end":            {func(o *org.Override) { o.Until = time.Time{} }, "until"},
		"backwards":         {func(o *org.Override) { o.Until = o.From }, "until"},
		"already over":      {func(o *org.Override) { o.From, o.Until = h.now.Add(-2*time.Hour), h.now }, "until"},
		"more than a year":  {func(o *org.Override) { o.Until = o.From.AddDate(1, 0, 3) }, "until"},
		"an endless reason": {func(o *org.Override) { o.Reason = string(make([]byte, 501)) }, "reason"},
	} {
		t.Run(name, func(t *testing.T) {
			o := fine
			c.change(&o)
			_, err := covers.Create(ctx(), ana(), o)
			var f *fault.Error
			require.ErrorAs(t, err, &f)
			require.Equal(t, c.field, f.Field, "%v", err)
		})
	}

	listed, err := covers.List(ctx(), ana(), "payments-primary", time.Time{}, time.Time{})
	require.NoError(t, err)
	require.Len(t, listed, 1)
	_, err = covers.List(ctx(), ana(), "x", time.Time{}, time.Time{})
	require.True(t, fault.Is(err, fault.NotFound))
	_, err = covers.List(ctx(), ana(), "", h.now, h.now)
	require.True(t, fault.Is(err, fault.Invalid))
	_, err = covers.Create(ctx(), machine(service.Viewer), fine)
	require.True(t, fault.Is(err, fault.Denied))
	require.True(t, fault.Is(covers.Delete(ctx(), machine(service.Viewer), made.ID, ""), fault.Denied))
	require.NoError(t, covers.Delete(ctx(), ana(), made.ID, "not needed"))
	require.True(t, fault.Is(covers.Delete(ctx(), ana(), made.ID, ""), fault.NotFound))
}

func TestWhoIsOnCall(t *testing.T) {
	h := newHouse(t) // Monday 2 March 2026, 12:00: nine weeks after the first handoff at 9:00, so it is ana's ninth turn
	kept := &servicetest.Overrides{}
	o := &service.OnCall{Organisation: h.organisation, Overrides: kept, Now: func() time.Time { return h.now }}
	seats, err := o.At(ctx(), ana(), time.Time{}, "", "")
	require.NoError(t, err)
	require.Len(t, seats, 1)
	require.Equal(t, id.Person("ana"), seats[0].Duty.Person)
	require.Equal(t, "Ana Pérez", seats[0].Name)
	require.Equal(t, id.Person("ben"), seats[0].Next.Person)

	_, err = kept.Create(ctx(), org.Override{
		ID: "o1", Schedule: "payments-primary", Person: "ben", From: h.now, Until: h.now.Add(time.Hour),
	}, service.Deed{})
	require.NoError(t, err)
	seats, err = o.At(ctx(), ana(), h.now, "payments-primary", "payments")
	require.NoError(t, err)
	require.Equal(t, id.Person("ben"), seats[0].Duty.Person)

	shifts, err := o.Shifts(ctx(), ana(), "payments-primary", h.now, h.now.Add(24*time.Hour))
	require.NoError(t, err)
	require.Len(t, shifts, 2)
	_, err = o.Shifts(ctx(), ana(), "payments-primary", time.Time{}, time.Time{})
	require.NoError(t, err)

	for name, err := range map[string]error{
		"no such schedule": second(o.At(ctx(), ana(), h.now, "x", "")),
		"no such team":     second(o.At(ctx(), ana(), h.now, "", "x")),
		"backwards":        second(o.Shifts(ctx(), ana(), "payments-primary", h.now, h.now)),
		"two years":        second(o.Shifts(ctx(), ana(), "payments-primary", h.now, h.now.AddDate(2, 0, 0))),
	} {
		require.True(t, fault.Is(err, fault.Invalid), "%s: %v", name, err)
	}
	require.True(t, fault.Is(second(o.Shifts(ctx(), ana(), "x", h.now, h.now)), fault.NotFound))
	require.True(t, fault.Is(second(o.At(ctx(), machine(service.IntegrationRole), h.now, "", "")), fault.Denied))
	require.True(t, fault.Is(second(o.Shifts(ctx(), machine(service.IntegrationRole), "x", h.now, h.now)), fault.Denied))
}

func second[T any](_ T, err error) error { return err }

func TestAddressesAreForThoseWhoNeedThem(t *testing.T) {
	h := newHouse(t)
	k := &service.Catalogue{Organisation: h.organisation}
	of := func(c service.Caller, p id.Person) []string {
		found, err := k.Person(c, p)
		require.NoError(t, err)
		var addresses []string
		for _, m := range found.Methods {
			addresses = append(addresses, m.Address)
		}
		return addresses
	}
	require.Equal(t, []string{"+34600000001", "ana@acme.example"}, of(machine(service.Admin), "ana"))
	require.Equal(t, []string{"+34600000001", "ana@acme.example"}, of(ana(), "ana"), "everybody may see their own")
	require.Equal(t, []string{"+4**********02", "b***@acme.example"}, of(ana(), "ben"))
	require.Equal(t, []string{"+3********01", "a***@acme.example"}, of(machine(service.Viewer), "ana"))
	require.Equal(t, "+34600000001", h.organisation.Directory.Org.People["ana"].Methods[0].Address, "the original is untouched")

	people, err := k.People(machine(service.Viewer))
	require.NoError(t, err)
	require.Len(t, people, 4)
	require.Equal(t, "+3********01", people[0].Methods[0].Address)
	services, err := k.Services(ana())
	require.NoError(t, err)
	require.Len(t, services, 1)
	schedules, err := k.Schedules(ana())
	require.NoError(t, err)
	require.Len(t, schedules, 1)

	monitor := machine(service.IntegrationRole)
	require.True(t, fault.Is(second(k.Person(ana(), "eve")), fault.NotFound))
	for _, err := range []error{
		second(k.People(monitor)), second(k.Person(monitor, "ana")), second(k.Services(monitor)), second(k.Schedules(monitor)),
	} {
		require.True(t, fault.Is(err, fault.Denied))
	}
}

func TestReadingEscalations(t *testing.T) {
	h := newHouse(t)
	h.running("E-1", "ana")
	h.rows.Put(service.Escalation{Summary: escalation.Summary{ID: "E-2", State: escalation.Closed}},
		escalation.Entry{Seq: 1, Text: "opened"}, escalation.Entry{Seq: 2, Text: "closed"})
	s := &service.Search{Escalations: h.rows}

	page, err := s.List(ctx(), ana(), service.Filter{States: []escalation.Phase{escalation.Open}})
	require.NoError(t, err)
	require.Len(t, page.Escalations, 1)
	lines, err := s.Timeline(ctx(), ana(), "E-2", 1, 0)
	require.NoError(t, err)
	require.Len(t, lines, 1)

	for name, err := range map[string]error{
		"too many":         second(s.List(ctx(), ana(), service.Filter{Limit: 201})),
		"less than none":   second(s.List(ctx(), ana(), service.Filter{Limit: -1})),
		"no such state":    second(s.List(ctx(), ana(), service.Filter{States: []escalation.Phase{"asleep"}})),
		"no such priority": second(s.List(ctx(), ana(), service.Filter{Priorities: []org.Priority{"P0"}})),
		"entries":          second(s.Timeline(ctx(), ana(), "E-2", 0, 1001)),
		"after":            second(s.Timeline(ctx(), ana(), "E-2", -1, 0)),
	} {
		require.True(t, fault.Is(err, fault.Invalid), "%s: %v", name, err)
	}
	for _, e := range []id.Escalation{"E-9", "42", "", "E-0", "E-99999999999999999999"} {
		require.True(t, fault.Is(second(s.Get(ctx(), ana(), e)), fault.NotFound), e)
		require.True(t, fault.Is(second(s.Timeline(ctx(), ana(), e, 0, 0)), fault.NotFound), e)
	}
	monitor := machine(service.IntegrationRole)
	require.True(t, fault.Is(second(s.Get(ctx(), monitor, "E-1")), fault.Denied))
	require.True(t, fault.Is(second(s.List(ctx(), monitor, service.Filter{})), fault.Denied))
}

func TestOneProbeThatHangsDoesNotHoldUpTheOthers(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	h := service.Health{Within: 20 * time.Millisecond, Probes: []service.Probe{
		{Name: "postgres", Ask: func(context.Context) error { return nil }},
		{Name: "temporal", Ask: func(context.Context) error { <-over; return nil }},
	}}
	ready, found := h.Ready(ctx())
	require.False(t, ready)
	require.NoError(t, found[0].Error)
	require.Error(t, found[1].Error)

	h.Probes = h.Probes[:1]
	ready, _ = h.Ready(ctx())
	require.True(t, ready)
}

func TestWorkThatPanicsGivesItsPlaceBack(t *testing.T) {
	p := &service.Pool{Size: 1, Log: quiet}
	require.True(t, p.Go(ctx(), func(context.Context) { panic("a bad event") }))
	require.Eventually(t, func() bool { return p.Go(ctx(), func(context.Context) {}) }, time.Minute, time.Millisecond)
	p.Close()
	require.False(t, p.Go(ctx(), func(context.Context) {}), "a closed pool takes nothing")
}
