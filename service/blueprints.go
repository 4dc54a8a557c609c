package service

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Blueprints plans and applies the organisation as documents.
type Blueprints struct {
	Revisions Revisions
	Directory *Directory
	Access    Access
	// Zones finds a time zone by its IANA name.
	Zones func(name string) (*time.Location, error)
	// Providers carry the channels of this installation; none: what shares a provider is not looked at.
	Providers blueprint.Providers
	Now       func() time.Time
}

// Proposal is what would change, or has changed, and whom the new blueprint would not reach.
type Proposal struct {
	Revision id.Revision
	Base     id.Revision // with which it was compared; empty before the first apply
	Changes  []string    // in words
	Holes    []blueprint.Hole
	Warnings []blueprint.Error
}

// provenDays is how far ahead the coverage is proven: two turns of the usual weekly rotation.
const provenDays = 14

// Plan says what these files would change. Its error for files that do not hang together is blueprint.Errors.
func (b *Blueprints) Plan(ctx context.Context, c Caller, files []File) (Proposal, error) {
	if err := b.Access.May(c, PlanBlueprint); err != nil {
		return Proposal{}, err
	}
	return b.propose(ctx, files)
}

func (b *Blueprints) propose(ctx context.Context, files []File) (Proposal, error) {
	next, err := blueprint.Load(documents(files), b.Zones)
	if err != nil {
		return Proposal{}, err
	}
	var before *org.Org
	current, err := b.Revisions.Current(ctx)
	switch {
	case fault.Is(err, fault.NotFound):
	case err != nil:
		return Proposal{}, fmt.Errorf("read the current revision: %w", err)
	default:
		if before, err = b.Directory.Org(ctx, current.Hash); err != nil {
			return Proposal{}, err
		}
	}
	p := Proposal{
		Revision: next.Revision, Base: current.Hash, Warnings: slices.Concat(next.Warnings, blueprint.Shared(next.Org, b.Providers)),
		Holes: blueprint.Holes(next.Org, b.Now(), provenDays),
	}
	for _, change := range blueprint.Diff(before, next.Org) {
		p.Changes = append(p.Changes, change.Text)
	}
	return p, nil
}

// Apply makes these files the current revision, if the current one still is base (empty: whatever it is); otherwise
// fault.Conflict. Applying what is current changes nothing.
func (b *Blueprints) Apply(ctx context.Context, c Caller, base id.Revision, files []File, reason string) (Proposal, error) {
	if err := b.Access.May(c, ApplyBlueprint); err != nil {
		return Proposal{}, err
	}
	p, err := b.propose(ctx, files)
	if err != nil {
		return Proposal{}, err
	}
	if base != "" && base != p.Base {
		return Proposal{}, fault.New(fault.Conflict, "the current revision is %q, not %q: plan again", p.Base, base)
	}
	if p.Revision == p.Base {
		return p, nil
	}
	now := b.Now()
	err = b.Revisions.Apply(ctx, p.Base, Revision{
		Hash: p.Revision, Parent: p.Base, AppliedAt: now, AppliedBy: c.Actor(), Files: files, Changes: p.Changes,
	}, Deed{
		At: now, Actor: c.Actor(), Via: c.Via, Action: "blueprint.apply", Subject: "revision " + string(p.Revision),
		Reason: reason, Detail: map[string]string{"base": string(p.Base)},
	})
	if err != nil {
		return Proposal{}, fmt.Errorf("apply revision %s: %w", p.Revision, err)
	}
	if err := b.Directory.Refresh(ctx); err != nil {
		// It is applied; this process hears of it again through its changes.
		b.Directory.Log.WarnContext(ctx, "directory not refreshed after an apply", "error", err)
	}
	return p, nil
}

// List answers revisions without their files, newest first.
func (b *Blueprints) List(ctx context.Context, c Caller, limit int) ([]Revision, error) {
	if err := b.Access.May(c, Read); err != nil {
		return nil, err
	}
	if limit == 0 {
		limit = listedUnasked
	}
	if limit < 1 || limit > mostListed {
		return nil, fault.Field("limit", "1 to %d, not %d", mostListed, limit)
	}
	return b.Revisions.List(ctx, limit)
}

// Get answers one revision, or the current one for "current". Files hold keys and numbers: only those who may read
// contacts get them. fault.NotFound.
func (b *Blueprints) Get(ctx context.Context, c Caller, hash id.Revision) (Revision, error) {
	if err := b.Access.May(c, Read); err != nil {
		return Revision{}, err
	}
	read := b.Revisions.Current
	if hash != "current" {
		read = func(ctx context.Context) (Revision, error) { return b.Revisions.Get(ctx, hash) }
	}
	r, err := read(ctx)
	if err != nil {
		return Revision{}, err
	}
	if b.Access.May(c, ReadContacts) != nil {
		r.Files = nil
	}
	return r, nil
}

func documents(files []File) []blueprint.File {
	all := make([]blueprint.File, len(files))
	for i, f := range files {
		all[i] = blueprint.File{Path: f.Path, Content: []byte(f.Content)}
	}
	return all
}
