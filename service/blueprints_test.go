package service_test

import (
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

// example reads the blueprint of the quick start.
func example(t *testing.T) []service.File {
	t.Helper()
	read, err := blueprint.Files(fs.FS(os.DirFS("../examples/quick")))
	require.NoError(t, err)
	var files []service.File
	for _, f := range read {
		files = append(files, service.File{Path: f.Path, Content: string(f.Content)})
	}
	return files
}

func blueprints() (*service.Blueprints, *servicetest.Revisions) {
	now := func() time.Time { return time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC) }
	kept := &servicetest.Revisions{}
	return &service.Blueprints{
		Revisions: kept, Zones: time.LoadLocation, Now: now,
		Directory: &service.Directory{
			Revisions: kept, Overrides: &servicetest.Overrides{}, Barred: &servicetest.Barred{}, Now: now, Log: quiet,
			Parse: func(files []service.File) (*org.Org, error) {
				var read []blueprint.File
				for _, f := range files {
					read = append(read, blueprint.File{Path: f.Path, Content: []byte(f.Content)})
				}
				loaded, err := blueprint.Load(read, time.LoadLocation)
				if err != nil {
					return nil, err
				}
				return loaded.Org, nil
			},
		},
	}, kept
}

func TestABlueprintIsPlannedAppliedAndInForceAtOnce(t *testing.T) {
	b, kept := blueprints()
	files, admin := example(t), machine(service.Admin)

	planned, err := b.Plan(ctx(), machine(service.Viewer), files)
	require.NoError(t, err)
	require.NotEmpty(t, planned.Changes)
	require.Empty(t, planned.Base)
	require.Empty(t, b.Directory.Current().Revision, "a plan changes nothing")

	applied, err := b.Apply(ctx(), admin, "", files, "first")
	require.NoError(t, err)
	require.Equal(t, planned.Revision, applied.Revision)
	require.Equal(t, planned.Revision, b.Directory.Current().Revision)
	require.Equal(t, "first", kept.Deeds[0].Reason)

	again, err := b.Apply(ctx(), admin, "", files, "again")
	require.NoError(t, err)
	require.Empty(t, again.Changes)
	require.Len(t, kept.Deeds, 1, "applying what is current changes nothing")

	_, err = b.Apply(ctx(), admin, "somebody else's", files, "")
	require.True(t, fault.Is(err, fault.Conflict), err)

	for _, hash := range []string{"current", string(applied.Revision)} {
		full, err := b.Get(ctx(), admin, id.Revision(hash))
		require.NoError(t, err)
		require.NotEmpty(t, full.Files)
		bare, err := b.Get(ctx(), machine(service.Viewer), id.Revision(hash))
		require.NoError(t, err)
		require.Empty(t, bare.Files, "files hold keys and numbers")
	}
	listed, err := b.List(ctx(), ana(), 0)
	require.NoError(t, err)
	require.Len(t, listed, 1)
}

func TestABrokenBlueprintIsRefusedWithEveryPlace(t *testing.T) {
	b, kept := blueprints()
	files := example(t)
	files[0].Content = strings.ReplaceAll(files[0].Content, "kind: team", "kind: taem")
	_, err := b.Apply(ctx(), machine(service.Admin), "", files, "")
	require.True(t, fault.Is(err, fault.Invalid), err)
	var mistakes blueprint.Errors
	require.ErrorAs(t, err, &mistakes)
	require.Positive(t, mistakes[0].Line)
	require.Empty(t, kept.Deeds, "nothing half-applies")
}

func TestWhoMayTouchTheBlueprint(t *testing.T) {
	b, _ := blueprints()
	require.True(t, fault.Is(second(b.Apply(ctx(), ana(), "", nil, "")), fault.Denied))
	require.True(t, fault.Is(second(b.Plan(ctx(), machine(service.IntegrationRole), nil)), fault.Denied))
	require.True(t, fault.Is(second(b.List(ctx(), machine(service.IntegrationRole), 0)), fault.Denied))
	require.True(t, fault.Is(second(b.Get(ctx(), machine(service.IntegrationRole), "current")), fault.Denied))
	require.True(t, fault.Is(second(b.Get(ctx(), ana(), "current")), fault.NotFound), "before the first apply")
	require.True(t, fault.Is(second(b.List(ctx(), ana(), 201)), fault.Invalid))
}

func TestAPlanWarnsOfFallbacksThatShareAProvider(t *testing.T) {
	b, _ := blueprints()
	files := example(t)
	before, err := b.Plan(ctx(), machine(service.Viewer), files)
	require.NoError(t, err)
	require.Empty(t, before.Warnings, "nothing is known of providers")
	b.Providers = blueprint.Providers{org.SMS: {"twilio"}, org.Voice: {"twilio"}, org.Email: {"twilio"}}
	planned, err := b.Plan(ctx(), machine(service.Viewer), files)
	require.NoError(t, err)
	require.NotEmpty(t, planned.Warnings)
	require.Contains(t, planned.Warnings[0].Message, "every method leaves by twilio")
	b.Providers[org.SMS] = []string{"twilio", "gateway"}
	planned, err = b.Plan(ctx(), machine(service.Viewer), files)
	require.NoError(t, err)
	require.Empty(t, planned.Warnings)
}
