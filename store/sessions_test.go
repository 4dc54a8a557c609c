package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/internal/pgtest"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/store"
)

// Whatever a session rests on ends it: its own end, silence, time, its token, its account, another password.
func TestASessionIsFoundWhileWhatItRestsOnIsGood(t *testing.T) {
	pool := pgtest.Pool(t)
	ctx := t.Context()
	sessions, accounts, tokens := store.Sessions{Pool: pool}, store.Accounts{Pool: pool}, store.Tokens{Pool: pool}
	deed := service.Deed{At: noon, Actor: "operator", Via: "cli", Action: "test", Subject: "a test"}
	later := func(d time.Duration) service.Deed { deed := deed; deed.At = noon.Add(d); return deed }
	require.NoError(t, accounts.Create(ctx, service.Account{Name: "root", Hash: "$argon2id$…", Role: service.Admin, CreatedAt: noon}, deed))
	require.Equal(t, fault.Conflict, fault.KindOf(accounts.Create(ctx, service.Account{Name: "root", Hash: "x", Role: service.Viewer, CreatedAt: noon}, deed)))
	require.NoError(t, tokens.Create(ctx, service.Token{ID: "tok_1", Name: "noc", Role: service.Responder, CreatedAt: noon}, []byte("token hash"), deed))

	begin := func(hash string, at time.Duration, c service.Caller, subject string) {
		t.Helper()
		began := noon.Add(at)
		require.NoError(t, sessions.Create(ctx, service.Session{
			ID: "ses_" + hash, Caller: c, Subject: subject, BeganAt: began, SeenAt: began, EndsAt: began.Add(24 * time.Hour),
		}, []byte(hash), deed))
	}
	find := func(hash string, at time.Duration) (service.Session, bool) {
		t.Helper()
		s, err := sessions.Find(ctx, []byte(hash), noon.Add(at), noon.Add(at-time.Hour))
		if err != nil {
			require.Equal(t, fault.NotFound, fault.KindOf(err))
		}
		return s, err == nil
	}
	gone := func(hash string, at time.Duration, why string) {
		t.Helper()
		_, ok := find(hash, at)
		require.False(t, ok, why)
	}
	vouched := service.Caller{Name: "Mira", Role: service.Viewer, Account: "mira@acme.example"}
	begin("vouched", time.Minute, vouched, "https://login.example.com u-9")
	held, ok := find("vouched", 2*time.Minute)
	require.True(t, ok)
	require.Equal(t, vouched, held.Caller)
	require.Equal(t, "https://login.example.com u-9", held.Subject)
	gone("vouched", 62*time.Minute, "silence")
	require.NoError(t, sessions.Touch(ctx, "ses_vouched", noon.Add(40*time.Minute)))
	_, ok = find("vouched", 62*time.Minute)
	require.True(t, ok, "it was used meanwhile")
	require.NoError(t, sessions.Touch(ctx, "ses_vouched", noon.Add(24*time.Hour)))
	gone("vouched", 24*time.Hour+time.Minute, "time")
	require.NoError(t, sessions.End(ctx, []byte("vouched"), later(time.Hour)))
	require.NoError(t, sessions.End(ctx, []byte("vouched"), later(time.Hour)), "twice is once")
	gone("vouched", 2*time.Minute, "its end")

	begin("token", time.Minute, service.Caller{Name: "noc", Role: service.Admin, Token: "tok_1"}, "")
	held, ok = find("token", 2*time.Minute)
	require.True(t, ok)
	require.Equal(t, service.Responder, held.Caller.Role, "what the token may, not what was said")
	require.NoError(t, tokens.Revoke(ctx, "tok_1", later(3*time.Minute)))
	gone("token", 4*time.Minute, "its token was revoked")

	root := service.Caller{Name: "root", Role: service.Admin, Account: "root"}
	begin("password", time.Minute, root, "")
	_, ok = find("password", 2*time.Minute)
	require.True(t, ok)
	require.NoError(t, accounts.SetHash(ctx, "root", "$argon2id$other", later(5*time.Minute)))
	gone("password", 6*time.Minute, "another password")
	begin("disabled", 7*time.Minute, root, "")
	require.NoError(t, accounts.Disable(ctx, "root", later(8*time.Minute)))
	require.NoError(t, accounts.Disable(ctx, "root", later(9*time.Minute)), "twice is once")
	gone("disabled", 9*time.Minute, "a disabled account")
	require.NoError(t, accounts.Enable(ctx, "root", later(10*time.Minute)))
	gone("disabled", 11*time.Minute, "and it stays over")
	require.Equal(t, fault.NotFound, fault.KindOf(accounts.Disable(ctx, "toor", deed)))
	all, err := accounts.List(ctx)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Empty(t, all[0].Hash)

	begin("next week", 8*24*time.Hour, root, "")
	var kept int
	require.NoError(t, pool.QueryRow(ctx, `select count(*) from sessions`).Scan(&kept))
	require.Equal(t, 1, kept, "those that have been over for a day are forgotten")
}
