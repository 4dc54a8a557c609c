package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/belayhq/belay/api/rest"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

// robot is POST /callbacks/canary: a page for the robot, who says at once that it was told.
func (g *gate) robot(c echo.Context) error {
	body, err := readBody(c, mostCallback)
	if err != nil {
		return err
	}
	var paged struct {
		Key string `json:"key"`
	}
	if err := json.Unmarshal(body, &paged); err != nil {
		return refuse(http.StatusBadRequest, "key", "a JSON object that names the message")
	}
	err = g.Canaries.Rang(c.Request().Context(), paged.Key, c.Request().Header.Get(service.CanaryHeader))
	if fault.Is(err, fault.Unauthenticated) {
		return refuse(http.StatusForbidden, "", "no message of ours")
	}
	if err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *server) ListCanaries(ctx context.Context, in rest.ListCanariesRequestObject) (rest.ListCanariesResponseObject, error) {
	all, err := s.Canaries.List(ctx, callerOf(ctx), value(in.Params.Walks))
	if err != nil {
		return nil, err
	}
	out := make([]rest.Canary, len(all))
	for i, c := range all {
		out[i] = rest.Canary{
			Integration: string(c.Integration), Service: string(c.Tells), Every: c.Every.String(), Format: c.Format,
			Broken: hopOf(c.Broken), NextAt: instant(c.NextAt), Walks: make([]rest.CanaryWalk, len(c.History)),
		}
		for n, w := range c.History {
			out[i].Walks[n] = walkOf(w)
		}
	}
	return rest.ListCanaries200JSONResponse{Canaries: out}, nil
}

func walkOf(w service.CanaryWalk) rest.CanaryWalk {
	out := rest.CanaryWalk{
		Number: w.Number, BeganAt: w.BeganAt, EndedAt: instant(w.EndedAt), Escalation: optional(string(w.Escalation)),
		Broken: hopOf(w.Broken), Why: optional(w.Why), Hops: []rest.CanaryHop{},
	}
	for _, hop := range service.Hops() {
		if at := w.Passed[hop]; !at.IsZero() {
			out.Hops = append(out.Hops, rest.CanaryHop{Hop: rest.Hop(hop), At: at, AfterMs: at.Sub(w.BeganAt).Milliseconds()})
		}
	}
	return out
}

func hopOf(hop service.Hop) *rest.Hop {
	if hop == "" {
		return nil
	}
	said := rest.Hop(hop)
	return &said
}
