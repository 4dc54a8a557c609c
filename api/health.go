package api

import (
	"context"

	"github.com/belayhq/belay/api/rest"
)

func (s *server) GetHealth(context.Context, rest.GetHealthRequestObject) (rest.GetHealthResponseObject, error) {
	return rest.GetHealth200JSONResponse{Status: rest.Ok}, nil
}

// GetReadiness says which probe fails, not why: the reason is in the log.
func (s *server) GetReadiness(ctx context.Context, _ rest.GetReadinessRequestObject) (rest.GetReadinessResponseObject, error) {
	ready, found := s.Health.Ready(ctx)
	checks := map[string]string{}
	for _, f := range found {
		checks[f.Name] = "ok"
		if f.Error != nil {
			checks[f.Name] = "unavailable"
			s.Log.WarnContext(ctx, "not ready", "probe", f.Name, "error", f.Error)
		}
	}
	if !ready {
		return rest.GetReadiness503JSONResponse{Status: rest.Unavailable, Checks: &checks}, nil
	}
	return rest.GetReadiness200JSONResponse{Status: rest.Ok, Checks: &checks}, nil
}
