package api

import (
	"context"

	"github.com/belayhq/belay/api/rest"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

func (s *server) ListWindows(ctx context.Context, _ rest.ListWindowsRequestObject) (rest.ListWindowsResponseObject, error) {
	windows, err := s.Maintenance.List(ctx, callerOf(ctx))
	if err != nil {
		return nil, err
	}
	all := make([]rest.Window, len(windows))
	for i, w := range windows {
		all[i] = windowOf(w)
	}
	return rest.ListWindows200JSONResponse{Windows: all}, nil
}

func (s *server) CreateWindow(ctx context.Context, in rest.CreateWindowRequestObject) (rest.CreateWindowResponseObject, error) {
	b := in.Body
	w := org.Window{
		Name: value(b.Name), From: value(b.From), Until: b.Until, When: value(b.When), UpTo: string(b.UpTo), Reason: value(b.Reason),
	}
	for _, service := range value(b.Services) {
		w.Services = append(w.Services, id.Service(service))
	}
	made, err := s.Maintenance.Create(ctx, callerOf(ctx), w)
	if err != nil {
		return nil, err
	}
	location := "/v1/windows/" + string(made.ID)
	return rest.CreateWindow201JSONResponse{
		Body: windowOf(made), Headers: rest.CreateWindow201ResponseHeaders{Location: &location},
	}, nil
}

func (s *server) EndWindow(ctx context.Context, in rest.EndWindowRequestObject) (rest.EndWindowResponseObject, error) {
	if err := s.Maintenance.End(ctx, callerOf(ctx), id.Window(in.Id), value(in.Params.Reason)); err != nil {
		return nil, err
	}
	return rest.EndWindow204Response{}, nil
}

func (s *server) CancelWindow(ctx context.Context, in rest.CancelWindowRequestObject) (rest.CancelWindowResponseObject, error) {
	if err := s.Maintenance.Cancel(ctx, callerOf(ctx), id.Window(in.Id), value(in.Params.Reason)); err != nil {
		return nil, err
	}
	return rest.CancelWindow204Response{}, nil
}

func windowOf(w org.Window) rest.Window {
	services := []string{}
	for _, s := range w.Services {
		services = append(services, string(s))
	}
	return rest.Window{
		Id: string(w.ID), Name: w.Name, From: w.From, Until: w.Until, Services: services, When: w.When, UpTo: rest.Severity(w.UpTo), Reason: w.Reason,
	}
}
