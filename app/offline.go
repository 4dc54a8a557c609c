package app

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/blueprint"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// Keyring opens the tokens of a database, for commands on the server's own machine.
func Keyring(ctx context.Context, o Options) (keys *service.Keyring, closeAll func(), err error) {
	if o.DatabaseURL == "" {
		return nil, nil, fault.New(fault.Invalid, "BELAY_DATABASE_URL is not set: tokens are kept in that database")
	}
	db, directory, err := read(ctx, o.DatabaseURL)
	if err != nil {
		return nil, nil, err
	}
	keys = &service.Keyring{Tokens: store.Tokens{Pool: db}, Organisation: directory, Access: service.Access{}, Now: time.Now}
	return keys, db.Close, nil
}

// Accounts opens the accounts of a database, for commands on the server's own machine.
func Accounts(ctx context.Context, o Options) (a *service.Accounts, closeAll func(), err error) {
	if o.DatabaseURL == "" {
		return nil, nil, fault.New(fault.Invalid, "BELAY_DATABASE_URL is not set: accounts are kept in that database")
	}
	db, directory, err := read(ctx, o.DatabaseURL)
	if err != nil {
		return nil, nil, err
	}
	return accounts(db, directory, &service.Limits{}, time.Now), db.Close, nil
}

// Applied is the organisation that a database holds now; nothing before the first apply.
func Applied(ctx context.Context, databaseURL string) (id.Revision, *org.Org, error) {
	db, directory, err := read(ctx, databaseURL)
	if err != nil {
		return "", nil, err
	}
	defer db.Close()
	now := directory.Current()
	return now.Revision, now.Org, nil
}

// Revision is a blueprint that a database holds; the current one when hash is empty.
func Revision(ctx context.Context, databaseURL string, hash id.Revision) (*blueprint.Blueprint, error) {
	db, err := store.Open(ctx, databaseURL, store.Options{MaxConns: 1, Name: "belay cli"})
	if err != nil {
		return nil, err
	}
	defer db.Close()
	revisions := store.Revisions{Pool: db}
	var r service.Revision
	if hash == "" {
		r, err = revisions.Current(ctx)
	} else {
		r, err = revisions.Get(ctx, hash)
	}
	if err != nil {
		return nil, err
	}
	return blueprint.Load(sources(r.Files), Zone)
}

func read(ctx context.Context, url string) (*pgxpool.Pool, *service.Directory, error) {
	db, err := store.Open(ctx, url, store.Options{MaxConns: 2, Name: "belay cli"})
	if err != nil {
		return nil, nil, err
	}
	directory := &service.Directory{
		Revisions: store.Revisions{Pool: db}, Overrides: store.Overrides{Pool: db}, Barred: store.Barred{Pool: db},
		Parse: parse, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if err := directory.Refresh(ctx); err != nil {
		db.Close()
		return nil, nil, err
	}
	return db, directory, nil
}
