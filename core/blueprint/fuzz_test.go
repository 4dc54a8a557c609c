package blueprint_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
)

func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.yaml", "../../examples/quick/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			content, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(content)
		}
	}
	for _, hostile := range []string{"", "---", "a: &a [*a]", "? {}\n: x", "<<: {kind: team}", "kind: !!binary x", "[[[[[[[", "kind:\n  - team", "\xff\xfe", "kind: team\nid: [a]",
		"{kind: organisation, id: o, name: o, catch_all: {targets: [{person: p}]}}\n--- {kind: person, id: p, name: p, manager: p}"} {
		f.Add([]byte(hostile))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		files := []blueprint.File{{Path: "fuzz.yaml", Content: content}}
		b, err := blueprint.Load(files, time.LoadLocation)
		if len(blueprint.Hash(files)) != 64 {
			t.Fatal("no name")
		}
		if err == nil {
			if b.Revision != blueprint.Hash(files) || len(b.Org.CatchAll.Targets) == 0 {
				t.Fatal("half a blueprint")
			}
			blueprint.Holes(b.Org, time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC), 1)
			return
		}
		var all blueprint.Errors
		if !errors.As(err, &all) || len(all) == 0 || !fault.Is(err, fault.Invalid) {
			t.Fatalf("%T: %v", err, err)
		}
		if !slices.IsSortedFunc(all, func(a, b blueprint.Error) int { return a.Line - b.Line }) {
			t.Fatal("not in order")
		}
		for _, one := range all {
			if one.Message == "" || one.Path != "" && (one.Line < 1 || one.Column < 1) {
				t.Fatalf("no place: %+v", one)
			}
		}
	})
}
