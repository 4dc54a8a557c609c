package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

const (
	secretFile = "secret"
	tokenFile  = "admin-token"
)

// DevSecret gives a development machine the secret it needs, made once and kept in its home.
func (o Options) DevSecret() (Options, error) {
	if len(o.Secret) > 0 {
		return o, nil
	}
	path := filepath.Join(o.Home, secretFile)
	kept, err := os.ReadFile(path)
	if err == nil && len(strings.TrimSpace(string(kept))) >= 32 {
		o.Secret = []byte(strings.TrimSpace(string(kept)))
		return o, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return o, fmt.Errorf("read the secret: %w", err)
	}
	made := rand.Text() + rand.Text()
	if err := keep(path, made); err != nil {
		return o, fmt.Errorf("keep the secret: %w", err)
	}
	o.Secret = []byte(made)
	return o, nil
}

// TokenFile is where a development machine keeps the token of its administrator.
func (o Options) TokenFile() string { return filepath.Join(o.Home, tokenFile) }

// adminToken makes sure that the kept token opens the doors of this database, or makes another one.
func adminToken(ctx context.Context, o Options, keys *service.Keyring) error {
	kept, err := os.ReadFile(o.TokenFile())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the administrator's token: %w", err)
	}
	if err == nil {
		_, err := keys.Bearer(ctx, strings.TrimSpace(string(kept)))
		if err == nil {
			return nil
		}
		if !fault.Is(err, fault.Unauthenticated) {
			return fmt.Errorf("check the administrator's token: %w", err)
		}
	}
	_, secret, err := keys.Issue(ctx, service.Caller{Name: "belay dev", Role: service.Admin, Via: "cli"}, "admin of this machine", service.Admin, "")
	if err != nil {
		return fmt.Errorf("make the administrator's token: %w", err)
	}
	if err := keep(o.TokenFile(), secret); err != nil {
		return fmt.Errorf("keep the administrator's token: %w", err)
	}
	return nil
}

// keep writes a file that only its owner can read, whole or not at all.
func keep(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	part, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // created with 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(part.Name()) }()
	if _, err := part.WriteString(content + "\n"); err != nil {
		_ = part.Close()
		return err
	}
	if err := part.Close(); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}
