package api

import (
	"context"
	"time"

	"github.com/belayhq/belay/api/rest"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

func (s *server) ListPeople(ctx context.Context, _ rest.ListPeopleRequestObject) (rest.ListPeopleResponseObject, error) {
	people, err := s.Catalogue.People(callerOf(ctx))
	if err != nil {
		return nil, err
	}
	all := make([]rest.Person, len(people))
	for i, p := range people {
		all[i] = personOf(p)
	}
	return rest.ListPeople200JSONResponse{People: all}, nil
}

func (s *server) GetPerson(ctx context.Context, in rest.GetPersonRequestObject) (rest.GetPersonResponseObject, error) {
	p, err := s.Catalogue.Person(callerOf(ctx), id.Person(in.Id))
	if err != nil {
		return nil, err
	}
	return rest.GetPerson200JSONResponse(personOf(p)), nil
}

func (s *server) ListServices(ctx context.Context, _ rest.ListServicesRequestObject) (rest.ListServicesResponseObject, error) {
	services, err := s.Catalogue.Services(callerOf(ctx))
	if err != nil {
		return nil, err
	}
	all := make([]rest.Service, len(services))
	for i, v := range services {
		all[i] = rest.Service{
			Id: string(v.ID), Name: v.Name, Unit: string(v.Unit), Owner: string(v.Owner), Tier: v.Tier, Impact: v.Impact,
		}
	}
	return rest.ListServices200JSONResponse{Services: all}, nil
}

func (s *server) ListSchedules(ctx context.Context, _ rest.ListSchedulesRequestObject) (rest.ListSchedulesResponseObject, error) {
	schedules, err := s.Catalogue.Schedules(callerOf(ctx))
	if err != nil {
		return nil, err
	}
	all := make([]rest.Schedule, len(schedules))
	for i, v := range schedules {
		all[i] = rest.Schedule{Id: string(v.ID), Name: v.Name, Team: string(v.Team), Zone: zone(v.Zone)}
		for _, l := range v.Layers {
			all[i].Layers = append(all[i].Layers, struct {
				Every  string   `json:"every"`
				Name   string   `json:"name"`
				People []string `json:"people"`
			}{Every: string(l.Rotation.Every), Name: l.Name, People: texts(l.People)})
		}
	}
	return rest.ListSchedules200JSONResponse{Schedules: all}, nil
}

func personOf(p org.Person) rest.Person {
	methods := make([]rest.Method, len(p.Methods))
	for i, m := range p.Methods {
		methods[i] = rest.Method{Id: string(m.ID), Channel: string(m.Channel), Address: m.Address}
	}
	return rest.Person{
		Id: string(p.ID), Name: p.Name, Zone: zone(p.Zone), Manager: optional(string(p.Manager)),
		Vendor: optional(string(p.Vendor)), Departed: p.Departed, Methods: methods,
	}
}

func zone(z *time.Location) string {
	if z == nil {
		return "UTC"
	}
	return z.String()
}
