package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// disk plays an account that can enter only some directories.
type disk struct{ open []string }

func (d disk) reaches(dir string) bool { return slices.Contains(d.open, dir) }

func (d disk) own(dir string) error {
	if !slices.Contains(d.open, dir) {
		return errors.New("read-only")
	}
	return os.MkdirAll(dir, 0o700)
}

func TestDataLivesWherePostgresCanReachIt(t *testing.T) {
	root := t.TempDir()
	lib, tmp := filepath.Join(root, "lib", "belay"), filepath.Join(root, "tmp", "belay")
	for name, c := range map[string]struct {
		open    []string // besides the home, if listed as "home"
		pointer string
		want    string // "home" or a path; "" is a refusal
	}{
		"an open home":                                {open: []string{"home", lib, tmp}, want: "home"},
		"a closed home":                               {open: []string{lib, tmp}, want: lib},
		"a closed home on a read-only system":         {open: []string{tmp}, want: tmp},
		"nowhere":                                     {want: ""},
		"a home opened after its data had moved":      {open: []string{"home", lib, tmp}, pointer: tmp, want: tmp},
		"a pointer to a place that no longer is":      {open: []string{lib}, pointer: filepath.Join(root, "gone"), want: lib},
		"a pointer written by a machine of one's own": {open: []string{"home"}, pointer: "", want: "home"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			d := disk{}
			for _, dir := range c.open {
				if dir == "home" {
					dir = home
				}
				d.open = append(d.open, dir)
			}
			if c.pointer != "" {
				write(t, filepath.Join(home, pointerFile), c.pointer+"\n")
			}

			got, err := choosePlace(home, d.reaches, d.own, []string{lib, tmp})
			if c.want == "" {
				if err == nil || !strings.Contains(err.Error(), "BELAY_HOME") {
					t.Fatalf("got %q, %v; want a refusal that says what to do", got.Dir, err)
				}
				return
			}
			want := c.want
			if want == "home" {
				want = home
			}
			if err != nil || got.Dir != want {
				t.Fatalf("got %q, %v; want %q", got.Dir, err, want)
			}
		})
	}
}

func TestAHomeThatClosesTakesItsDataAlongAndFindsItAgain(t *testing.T) {
	home, lib := t.TempDir(), filepath.Join(t.TempDir(), "lib", "belay")
	write(t, filepath.Join(home, "postgres", "PG_VERSION"), "15\n")

	closed := disk{open: []string{lib}}
	for range 2 { // the second time by the pointer alone
		place, err := choosePlace(home, closed.reaches, closed.own, []string{lib})
		if err != nil {
			t.Fatal(err)
		}
		if major, err := dataMajor(place.Data()); err != nil || major != 15 {
			t.Fatalf("the data stayed behind: version %d, %v", major, err)
		}
	}
}

func TestOnlyWhatTemporaryHomesLeftIsSwept(t *testing.T) {
	temp := t.TempDir()
	kept := filepath.Join(temp, "kept")
	write(t, filepath.Join(kept, "file"), "")
	for home, want := range map[string]bool{
		filepath.Join(temp, "gone"): true,
		kept:                        false,
		"/srv/unmounted/belay":      false,
		temp + "orary/gone":         false, // shares the prefix, not the directory
		"":                          false,
	} {
		if got := abandoned(home, temp); got != want {
			t.Errorf("abandoned(%q) = %v", home, got)
		}
	}
}

func TestADirectoryOfSomeoneElseIsNotOurs(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a directory for someone else")
	}
	dir := filepath.Join(t.TempDir(), "planted")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if err := (&Account{UID: 54321, GID: 54321}).Own(dir); err == nil {
		t.Error("took a directory that another user had planted")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/", link); err != nil {
		t.Fatal(err)
	}
	if err := (&Account{UID: 54321, GID: 54321}).Own(link); err == nil {
		t.Error("followed a planted link")
	}
}

func TestRootsChildrenCannotEnterAClosedHome(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs commands as someone else")
	}
	closed := t.TempDir()
	if err := os.Chmod(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	account, err := unprivileged(filepath.Join(closed, "none"))
	if err != nil {
		t.Fatal(err)
	}
	if account.Reaches(closed) {
		t.Errorf("%s enters a directory of mode 0700 that is root's", account.Name)
	}
	if !account.Reaches("/") {
		t.Errorf("%s cannot enter /", account.Name)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
