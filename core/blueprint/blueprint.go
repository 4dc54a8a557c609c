// Package blueprint is the language in which a company writes down who is told when something breaks: YAML documents
// of units, teams, people, services, schedules, calendars, policies and vendors. It reads them into an org.Org, reports
// every mistake at once with its place, names a revision by its meaning, says in words what changes between two
// revisions, and proves which hour of the coming days would reach nobody.
//
// It knows nothing of where the files live or when they were applied, and it has no clock: instants come in.
package blueprint

//go:generate env BELAY_UPDATE=1 go test -count=1 -run Schema .

import (
	"io/fs"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// File is one source of documents. The path is for people: it stands in front of every error.
type File struct {
	Path    string
	Content []byte
}

// Blueprint is a set of files that hangs together.
type Blueprint struct {
	Revision id.Revision
	Org      *org.Org
	Warnings []Error // what is allowed but looks like a mistake; sorted like Errors
}

// Public holidays are written out for these years, both included: instants outside are not planned for.
const (
	firstYear = 2024
	lastYear  = 2040
)

// Load reads files into a blueprint. Zones finds a time zone by its IANA name. The error is of type Errors and holds
// every mistake found, sorted by place.
func Load(files []File, zones func(name string) (*time.Location, error)) (*Blueprint, error) {
	files = slices.Clone(files)
	slices.SortStableFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })

	r := &reader{load: zones, zones: map[string]*time.Location{}, broken: map[node]bool{}}
	docs := r.documents(files)
	r.check(docs)
	r.resolve()
	built := r.build(docs)
	r.review(docs, built)
	if len(r.errors) > 0 {
		return nil, sorted(r.errors)
	}
	return &Blueprint{Revision: Hash(files), Org: built, Warnings: sorted(r.warnings)}, nil
}

// Files reads every .yaml and .yml file below the root of a file system, in the order of their paths. Names that start
// with a dot are left alone.
func Files(fsys fs.FS) ([]File, error) {
	var files []File
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := name != "." && strings.HasPrefix(entry.Name(), ".")
		if entry.IsDir() {
			if hidden {
				return fs.SkipDir
			}
			return nil
		}
		if ext := path.Ext(name); hidden || ext != ".yaml" && ext != ".yml" {
			return nil
		}
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		files = append(files, File{Path: name, Content: content})
		return nil
	})
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "read blueprint")
	}
	if len(files) == 0 {
		return nil, fault.New(fault.Invalid, "read blueprint: no .yaml files there")
	}
	return files, nil
}
