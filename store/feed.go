package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
)

// Channels of NOTIFY.
const (
	changesChannel = "belay_changes"
	feedChannel    = "belay_escalations"
)

// What Changes says.
const (
	RevisionChanged  = "revision"
	OverridesChanged = "overrides"
	BarredChanged    = "barred"
	WindowsChanged   = "windows"
	LookAgain        = "" // something may have been missed
)

// poll is how long a listener trusts silence.
const poll = 15 * time.Second

// Changes tells what changed in the configuration, from whichever process: RevisionChanged, OverridesChanged,
// BarredChanged, and LookAgain after every connection and every 15 s of silence. It closes with ctx.
func Changes(ctx context.Context, pool *pgxpool.Pool) (<-chan string, error) {
	return listen(ctx, pool, changesChannel, func(payload string) string { return payload })
}

// Feed tells which escalation the recorder has just written; an empty one after every connection and every 15 s of
// silence means that some may have been missed. It closes with ctx.
func Feed(ctx context.Context, pool *pgxpool.Pool) (<-chan id.Escalation, error) {
	return listen(ctx, pool, feedChannel, func(payload string) id.Escalation { return id.Escalation(payload) })
}

// listen follows one channel on a connection beside the pool, for as long as ctx lives. The first connection is made
// before it returns, so that nothing which is written afterwards is missed; a database that is away is waited for beside.
func listen[T any](ctx context.Context, pool *pgxpool.Pool, channel string, read func(payload string) T) (<-chan T, error) {
	config := pool.Config().ConnConfig
	conn, err := dial(ctx, config, channel)
	if err = faulty(err, "listen on %s", channel); err != nil && !fault.Is(err, fault.Unavailable) {
		return nil, err
	}
	heard := make(chan T, 64)
	say := func(payload string) bool {
		select {
		case heard <- read(payload):
			return true
		case <-ctx.Done():
			return false
		}
	}
	go func() {
		defer close(heard)
		for ctx.Err() == nil {
			if conn != nil {
				follow(ctx, conn, say)
			}
			if conn = redial(ctx, config, channel); conn == nil {
				return
			}
		}
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}()
	return heard, nil
}

// follow says what it hears until the connection or ctx ends.
func follow(ctx context.Context, conn *pgx.Conn, say func(string) bool) {
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if !say(LookAgain) {
		return
	}
	for {
		patience, cancel := context.WithTimeout(ctx, poll)
		note, err := conn.WaitForNotification(patience)
		silent := patience.Err() != nil
		cancel()
		switch {
		case err == nil:
			if !say(note.Payload) {
				return
			}
		case silent && ctx.Err() == nil && !conn.IsClosed():
			// A dead peer is silent too: ask it something.
			if conn.Ping(ctx) != nil || !say(LookAgain) {
				return
			}
		default:
			return
		}
	}
}

func dial(ctx context.Context, config *pgx.ConnConfig, channel string) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, "listen "+channel); err != nil {
		_ = conn.Close(ctx)
		return nil, err
	}
	return conn, nil
}

// redial tries until it has a connection; nil when ctx ends first.
func redial(ctx context.Context, config *pgx.ConnConfig, channel string) *pgx.Conn {
	for pause := 50 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, 2*time.Second) {
		if conn, err := dial(ctx, config, channel); err == nil {
			return conn
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}
