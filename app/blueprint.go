package app

import (
	"context"
	"fmt"
	"os"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
)

// Read loads the blueprint in a directory. The error may be blueprint.Errors.
func Read(dir string) (*blueprint.Blueprint, []service.File, error) {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, nil, fault.New(fault.Invalid, "%s is not a directory with a blueprint", dir)
	}
	found, err := blueprint.Files(os.DirFS(dir))
	if err != nil {
		return nil, nil, fmt.Errorf("read blueprint %s: %w", dir, err)
	}
	loaded, err := blueprint.Load(found, Zone)
	if err != nil {
		return nil, nil, err
	}
	files := make([]service.File, len(found))
	for i, f := range found {
		files[i] = service.File{Path: f.Path, Content: string(f.Content)}
	}
	return loaded, files, nil
}

// ApplyDir makes the blueprint in a directory the current one, if it is another one. For a development machine; others
// apply through the API, where it is asked who may.
func (a *App) ApplyDir(ctx context.Context, dir string) (applied bool, revision id.Revision, err error) {
	next, files, err := Read(dir)
	if err != nil {
		return false, "", err
	}
	if a.rooms.directory.Current().Revision == next.Revision {
		return false, next.Revision, nil
	}
	me := service.Caller{Name: "belay dev", Role: service.Admin, Via: "cli"}
	p, err := a.rooms.blueprints.Apply(ctx, me, "", files, "started with this blueprint")
	if err != nil {
		return false, "", fmt.Errorf("apply blueprint %s: %w", dir, err)
	}
	return true, p.Revision, nil
}

// Changes is what a plan says, in words.
func Changes(was, becomes *org.Org) []string {
	changes := blueprint.Diff(was, becomes)
	words := make([]string, len(changes))
	for i, change := range changes {
		words[i] = change.Text
	}
	return words
}

// AdminToken makes sure that the token in the home opens this installation's doors.
func (a *App) AdminToken(ctx context.Context) error {
	return adminToken(ctx, a.options, a.rooms.keyring)
}
