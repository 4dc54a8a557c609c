package api

import (
	"context"

	"github.com/belayhq/belay/api/rest"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/oncall"
	"github.com/belayhq/belay/core/org"
)

func (s *server) GetOnCall(ctx context.Context, in rest.GetOnCallRequestObject) (rest.GetOnCallResponseObject, error) {
	at := value(in.Params.At)
	if at.IsZero() {
		at = s.Now()
	}
	seats, err := s.OnCall.At(ctx, callerOf(ctx), at, id.Schedule(value(in.Params.Schedule)), id.Team(value(in.Params.Team)))
	if err != nil {
		return nil, err
	}
	all := make([]rest.Seat, len(seats))
	for i, seat := range seats {
		d := seat.Duty
		all[i] = rest.Seat{
			Schedule: string(seat.Schedule.ID), Name: seat.Schedule.Name, Team: string(seat.Schedule.Team),
			Person: optional(string(d.Person)), PersonName: optional(seat.Name), From: instant(d.From), Until: instant(d.Until),
			Layer: optional(d.Layer), Override: optional(string(d.Override)),
		}
		if seat.Next != nil {
			all[i].Next = pointer(shiftOf(*seat.Next))
		}
	}
	return rest.GetOnCall200JSONResponse{At: at, Schedules: all}, nil
}

func (s *server) ListShifts(ctx context.Context, in rest.ListShiftsRequestObject) (rest.ListShiftsResponseObject, error) {
	shifts, err := s.OnCall.Shifts(ctx, callerOf(ctx), id.Schedule(in.Id), value(in.Params.From), value(in.Params.Until))
	if err != nil {
		return nil, err
	}
	all := make([]rest.Shift, len(shifts))
	for i, shift := range shifts {
		all[i] = shiftOf(shift)
	}
	return rest.ListShifts200JSONResponse{Schedule: in.Id, Shifts: all}, nil
}

func shiftOf(d oncall.Shift) rest.Shift {
	return rest.Shift{
		Person: optional(string(d.Person)), From: instant(d.From), Until: instant(d.Until),
		Layer: optional(d.Layer), Override: optional(string(d.Override)),
	}
}

func (s *server) ListOverrides(ctx context.Context, in rest.ListOverridesRequestObject) (rest.ListOverridesResponseObject, error) {
	p := in.Params
	overrides, err := s.Covers.List(ctx, callerOf(ctx), id.Schedule(value(p.Schedule)), value(p.From), value(p.Until))
	if err != nil {
		return nil, err
	}
	all := make([]rest.Override, len(overrides))
	for i, o := range overrides {
		all[i] = overrideOf(o)
	}
	return rest.ListOverrides200JSONResponse{Overrides: all}, nil
}

func (s *server) CreateOverride(ctx context.Context, in rest.CreateOverrideRequestObject) (rest.CreateOverrideResponseObject, error) {
	b := in.Body
	made, err := s.Covers.Create(ctx, callerOf(ctx), org.Override{
		Schedule: id.Schedule(b.Schedule), Person: id.Person(b.Person), From: b.From, Until: b.Until, Reason: value(b.Reason),
	})
	if err != nil {
		return nil, err
	}
	location := "/v1/overrides/" + string(made.ID)
	return rest.CreateOverride201JSONResponse{
		Body: overrideOf(made), Headers: rest.CreateOverride201ResponseHeaders{Location: &location},
	}, nil
}

func (s *server) DeleteOverride(ctx context.Context, in rest.DeleteOverrideRequestObject) (rest.DeleteOverrideResponseObject, error) {
	if err := s.Covers.Delete(ctx, callerOf(ctx), id.Override(in.Id), value(in.Params.Reason)); err != nil {
		return nil, err
	}
	return rest.DeleteOverride204Response{}, nil
}

func overrideOf(o org.Override) rest.Override {
	return rest.Override{
		Id: string(o.ID), Schedule: string(o.Schedule), Person: string(o.Person), From: o.From, Until: o.Until, Reason: o.Reason,
	}
}
