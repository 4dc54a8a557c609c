package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// Account is the unprivileged user that Postgres runs as when we are root, whom Postgres refuses.
// The nil Account is ourselves.
type Account struct {
	Name     string
	UID, GID uint32
}

// unprivileged picks the account: none needed unless we are root, then the owner of existing data, else postgres, else nobody.
func unprivileged(data string) (*Account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if info, err := os.Stat(data); err == nil {
		if owner, ok := info.Sys().(*syscall.Stat_t); ok && owner.Uid != 0 {
			return &Account{Name: "#" + strconv.Itoa(int(owner.Uid)), UID: owner.Uid, GID: owner.Gid}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return accountOf(u)
		}
	}
	return nil, errors.New("root cannot run Postgres, and there is no user postgres or nobody to run it as; " +
		"create one, run as an ordinary user, or set BELAY_DATABASE_URL (--database-url)")
}

func accountOf(u *user.User) (*Account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: uid %q: %w", u.Username, u.Uid, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("user %s: gid %q: %w", u.Username, u.Gid, err)
	}
	return &Account{Name: u.Username, UID: uint32(uid), GID: uint32(gid)}, nil
}

// Dress makes a command run as this account, away from our working directory, which it may not be able to enter.
func (a *Account) Dress(cmd *exec.Cmd) {
	cmd.Dir = "/"
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true // Ctrl-C in the terminal is ours to handle, in our order
	if a != nil {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: a.UID, Gid: a.GID}
	}
}

// Reaches says whether the account can enter a directory, by entering it: modes alone do not tell (ACLs, mounts).
func (a *Account) Reaches(dir string) bool {
	if a == nil {
		return true
	}
	cmd := exec.Command("/bin/sh", "-c", `cd "$1"`, "sh", dir)
	a.Dress(cmd)
	return cmd.Run() == nil
}

// Own makes a directory that only this account can enter, or checks that an existing one is such.
func (a *Account) Own(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok {
		return fmt.Errorf("%s is no directory", dir)
	}
	if owner.Uid != uint32(os.Geteuid()) && (a == nil || owner.Uid != a.UID) {
		return fmt.Errorf("%s belongs to someone else (uid %d)", dir, owner.Uid)
	}
	if a == nil {
		return nil
	}
	if err := os.Lchown(dir, int(a.UID), int(a.GID)); err != nil {
		return err
	}
	return os.Chmod(dir, 0o700)
}
