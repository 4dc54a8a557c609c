package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/belayhq/belay/api/rest"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/service"
)

func (s *server) PlanBlueprint(ctx context.Context, in rest.PlanBlueprintRequestObject) (rest.PlanBlueprintResponseObject, error) {
	p, err := s.Blueprints.Plan(ctx, callerOf(ctx), filesOf(in.Body.Files))
	if err != nil {
		return nil, err
	}
	return rest.PlanBlueprint200JSONResponse(proposalOf(p)), nil
}

func (s *server) ApplyBlueprint(ctx context.Context, in rest.ApplyBlueprintRequestObject) (rest.ApplyBlueprintResponseObject, error) {
	base := value(in.Body.Base)
	if match := strings.Trim(strings.TrimSpace(value(in.Params.IfMatch)), `"`); match != "" && match != "*" {
		if base != "" && base != match {
			return nil, refuse(http.StatusBadRequest, "base", "If-Match names another revision")
		}
		base = match
	}
	p, err := s.Blueprints.Apply(ctx, callerOf(ctx), id.Revision(base), filesOf(in.Body.Files), value(in.Body.Reason))
	if err != nil {
		return nil, err
	}
	tag := `"` + string(p.Revision) + `"`
	return rest.ApplyBlueprint200JSONResponse{
		Body: proposalOf(p), Headers: rest.ApplyBlueprint200ResponseHeaders{ETag: &tag},
	}, nil
}

func (s *server) ListRevisions(ctx context.Context, in rest.ListRevisionsRequestObject) (rest.ListRevisionsResponseObject, error) {
	revisions, err := s.Blueprints.List(ctx, callerOf(ctx), value(in.Params.Limit))
	if err != nil {
		return nil, err
	}
	all := make([]rest.Revision, len(revisions))
	for i, r := range revisions {
		all[i] = revisionOf(r)
	}
	return rest.ListRevisions200JSONResponse{Revisions: all}, nil
}

func (s *server) GetRevision(ctx context.Context, in rest.GetRevisionRequestObject) (rest.GetRevisionResponseObject, error) {
	r, err := s.Blueprints.Get(ctx, callerOf(ctx), id.Revision(in.Hash))
	if err != nil {
		return nil, err
	}
	return rest.GetRevision200JSONResponse(revisionOf(r)), nil
}

func filesOf(given rest.Files) []service.File {
	files := make([]service.File, len(given))
	for i, f := range given {
		files[i] = service.File{Path: f.Path, Content: f.Content}
	}
	return files
}

func proposalOf(p service.Proposal) rest.BlueprintPlan {
	plan := rest.BlueprintPlan{
		Revision: string(p.Revision), Base: string(p.Base), Changes: texts(p.Changes),
		Holes: make([]rest.Hole, len(p.Holes)), Warnings: mistakesOf(p.Warnings),
	}
	for i, h := range p.Holes {
		plan.Holes[i] = rest.Hole{
			Service: string(h.Service), Kind: rest.Kind(h.Kind), Priority: rest.Priority(h.Priority), From: h.From, Until: h.Until,
			Depth: string(h.Depth), Why: h.Why, Text: h.Text,
		}
	}
	return plan
}

func revisionOf(r service.Revision) rest.Revision {
	revision := rest.Revision{
		Hash: string(r.Hash), Parent: string(r.Parent), AppliedAt: r.AppliedAt, AppliedBy: r.AppliedBy, Changes: texts(r.Changes),
	}
	if len(r.Files) > 0 {
		files := make([]rest.File, len(r.Files))
		for i, f := range r.Files {
			files[i] = rest.File{Path: f.Path, Content: f.Content}
		}
		revision.Files = &files
	}
	return revision
}
