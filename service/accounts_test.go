package service_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
	"github.com/belayhq/belay/service"
)

func TestAPasswordIsKeptAsAnArgon2idHashThatOnlyItMatches(t *testing.T) {
	var argon service.Argon
	hash, err := argon.Hash(t.Context(), "correct horse battery")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=65536,t=3,p=4$"), "RFC 9106's second recommendation: %s", hash)
	again, err := argon.Hash(t.Context(), "correct horse battery")
	require.NoError(t, err)
	require.NotEqual(t, hash, again, "each has its own salt")
	for word, want := range map[string]bool{"correct horse battery": true, "correct horse batterz": false, "": false, strings.Repeat("x", 5000): false} {
		right, err := argon.Matches(t.Context(), word, hash)
		require.NoError(t, err)
		require.Equal(t, want, right)
	}
	right, err := argon.Matches(t.Context(), "", "")
	require.NoError(t, err)
	require.False(t, right, "no hash matches nothing")
}

func TestAPasswordThatIsEasilyGuessedOrEndlessIsRefused(t *testing.T) {
	argon := &service.Argon{Memory: 64, Passes: 1, Lanes: 1}
	for _, word := range []string{"", "elevenchars", strings.Repeat("x", 1025)} {
		_, err := argon.Hash(t.Context(), word)
		require.Equal(t, fault.Invalid, fault.KindOf(err))
	}
}

func TestADamagedHashIsAnErrorNotAnOpenDoor(t *testing.T) {
	argon := &service.Argon{Memory: 64, Passes: 1, Lanes: 1}
	good, err := argon.Hash(t.Context(), "correct horse battery")
	require.NoError(t, err)
	for _, bad := range []string{
		"plain", good[:len(good)-30], strings.Replace(good, "m=64", "m=999999999", 1), strings.Replace(good, "t=1", "t=0", 1),
		strings.Replace(good, "p=1", "p=0", 1), strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
	} {
		right, err := argon.Matches(t.Context(), "correct horse battery", bad)
		require.Error(t, err, bad)
		require.False(t, right)
	}
}

func TestManyWhoGuessAtOnceTakeNoMoreMemoryThanTwo(t *testing.T) {
	argon := &service.Argon{Memory: 64, Passes: 1, Lanes: 1}
	hash, err := argon.Hash(t.Context(), "correct horse battery")
	require.NoError(t, err)
	var group sync.WaitGroup
	for n := range 20 {
		group.Go(func() {
			right, err := argon.Matches(t.Context(), fmt.Sprint("guess ", n), hash)
			if err != nil || right {
				t.Error(right, err)
			}
		})
	}
	group.Wait()
}

func TestPasswordsAreSlowedByAccountAndByAddress(t *testing.T) {
	now := time.Date(2026, 11, 24, 2, 15, 0, 0, time.UTC)
	var l service.Limits
	for range 10 {
		require.NoError(t, l.Password("root", "192.0.2.1", now))
	}
	require.Equal(t, fault.Throttled, fault.KindOf(l.Password("root", "198.51.100.7", now)), "from everywhere")
	require.Equal(t, 10*time.Second, fault.RetryAfter(l.Password("root", "198.51.100.7", now)))
	for n := range 89 {
		require.NoError(t, l.Password(fmt.Sprint("name-", n), "192.0.2.1", now))
	}
	require.NoError(t, l.Password("ana", "192.0.2.1", now))
	require.Equal(t, fault.Throttled, fault.KindOf(l.Password("ben", "192.0.2.1", now)), "one address tries a hundred names")
	require.NoError(t, l.Password("ben", "203.0.113.9", now))
}

type standing struct{ *org.Org }

func (s standing) Current() policy.Directory { return policy.Directory{Org: s.Org} }

func TestAProviderVouchesAndTheHouseDecides(t *testing.T) {
	mail := func(address string) []org.Method {
		return []org.Method{{ID: "mail", Channel: org.Email, Address: address}}
	}
	house := standing{&org.Org{People: map[id.Person]org.Person{
		"ana": {ID: "ana", Name: "Ana Pérez", Methods: mail("Ana@acme.example")},
		"ben": {ID: "ben", Name: "Ben", Methods: mail("noc@acme.example")},
		"cho": {ID: "cho", Name: "Cho", Methods: mail("noc@acme.example")},
		"dan": {ID: "dan", Name: "Dan", Methods: mail("dan@acme.example"), Departed: true},
		"eve": {ID: "eve", Name: "Eve", Methods: mail("eve@vendor.example"), Vendor: "acmecloud"},
	}}}
	as := func(claim string, groups ...string) service.Identity {
		return service.Identity{Issuer: "https://login.example.com", Subject: "u-1", Name: "Somebody", Claim: claim, Sure: true, Groups: groups}
	}
	roles := map[string]service.Role{"admins": service.Admin, "noc": service.Responder, "*": service.Viewer}
	for _, c := range []struct {
		name  string
		who   service.Identity
		roles map[string]service.Role
		byID  bool
		want  string // actor and role; empty: refused
	}{
		{name: "somebody of the blueprint is a responder", who: as("ana@ACME.example"), want: "ana responder"},
		{name: "a stranger stays outside", who: as("mira@acme.example")},
		{name: "an address that is not verified", who: service.Identity{Issuer: "i", Subject: "s", Claim: "ana@acme.example"}},
		{name: "no claim", who: as("")},
		{name: "a shared mailbox", who: as("noc@acme.example")},
		{name: "somebody who left", who: as("dan@acme.example", "admins"), roles: roles},
		{name: "a vendor's", who: as("eve@vendor.example", "admins"), roles: roles},
		{name: "the strongest group counts", who: as("ana@acme.example", "noc", "admins"), roles: roles, want: "ana admin"},
		{name: "everybody is a viewer", who: as("mira@acme.example"), roles: roles, want: "account:mira@acme.example viewer"},
		{name: "no group of ours", who: as("ana@acme.example", "staff"), roles: map[string]service.Role{"noc": service.Responder}},
		{name: "a claim that is an ID", who: as("ana"), byID: true, want: "ana responder"},
		{name: "an ID that is nobody's", who: as("root"), byID: true},
	} {
		e, err := service.Admission{Organisation: house, ByID: c.byID, Roles: c.roles}.Admit(c.who)
		if c.want == "" {
			require.Equal(t, fault.Denied, fault.KindOf(err), c.name)
			continue
		}
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, e.Caller.Actor()+" "+string(e.Caller.Role), c.name)
		require.Equal(t, "https://login.example.com u-1", e.Subject)
	}
}
