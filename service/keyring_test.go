package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/service"
	"github.com/belayhq/belay/service/servicetest"
)

func keyring(t *testing.T) (*service.Keyring, *servicetest.Tokens) {
	h := newHouse(t)
	tokens := &servicetest.Tokens{}
	return &service.Keyring{Tokens: tokens, Organisation: h.organisation, Now: func() time.Time { return h.now }}, tokens
}

func TestASecretIsShownOnceAndOpensUntilRevoked(t *testing.T) {
	k, kept := keyring(t)
	made, secret, err := k.Create(ctx(), machine(service.Admin), "noc wall", service.Viewer, "ana")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(secret, "blt_"))

	caller, err := k.Bearer(ctx(), secret)
	require.NoError(t, err)
	require.Equal(t, service.Caller{Name: "noc wall", Role: service.Viewer, Person: "ana", Token: made.ID, Via: "api"}, caller)

	listed, err := k.List(ctx(), machine(service.Admin))
	require.NoError(t, err)
	require.Len(t, listed, 1)
	require.NotContains(t, kept.Deeds[0].Detail, secret)

	require.NoError(t, k.Revoke(ctx(), machine(service.Admin), made.ID))
	_, err = k.Bearer(ctx(), secret)
	require.True(t, fault.Is(err, fault.Unauthenticated), err)
}

// Whoever leaves loses the keys with the next blueprint, not when somebody thinks of revoking them.
func TestATokenOfSomebodyWhoLeftOpensNothing(t *testing.T) {
	for name, leaves := range map[string]func(people map[id.Person]org.Person){
		"departed":            func(people map[id.Person]org.Person) { people["ana"] = org.Person{ID: "ana", Departed: true} },
		"gone altogether":     func(people map[id.Person]org.Person) { delete(people, "ana") },
		"moved to the vendor": func(people map[id.Person]org.Person) { people["ana"] = org.Person{ID: "ana", Vendor: "acmecloud"} },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			k := &service.Keyring{Tokens: &servicetest.Tokens{}, Organisation: h.organisation, Now: func() time.Time { return h.now }}
			_, hers, err := k.Create(ctx(), machine(service.Admin), "laptop", service.Admin, "ana")
			require.NoError(t, err)
			_, noc, err := k.Create(ctx(), machine(service.Admin), "noc", service.Admin, "")
			require.NoError(t, err)

			leaves(h.organisation.Directory.Org.People)
			_, err = k.Bearer(ctx(), hers)
			require.True(t, fault.Is(err, fault.Unauthenticated), err)
			_, err = k.Bearer(ctx(), noc)
			require.NoError(t, err, "a machine's token belongs to nobody")
		})
	}
}

func TestTokensThatAreNotMade(t *testing.T) {
	k, _ := keyring(t)
	admin := machine(service.Admin)
	for name, c := range map[string]struct {
		caller  service.Caller
		name    string
		role    service.Role
		person  id.Person
		kind    fault.Kind
		mention string
	}{
		"by a responder":       {machine(service.Responder), "x", service.Viewer, "", fault.Denied, ""},
		"without a name":       {admin, "", service.Viewer, "", fault.Invalid, "name"},
		"with an endless name": {admin, strings.Repeat("x", 101), service.Viewer, "", fault.Invalid, "name"},
		"with a made-up role":  {admin, "x", "root", "", fault.Invalid, "role"},
		"for a role of ours":   {admin, "x", service.Outsider, "", fault.Invalid, "role"},
		"for a stranger":       {admin, "x", service.Viewer, "eve", fault.Invalid, "person"},
		"for a vendor":         {admin, "x", service.Responder, "vik", fault.Invalid, "person"},
		"for the departed":     {admin, "x", service.Viewer, "dora", fault.Invalid, "person"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := k.Create(ctx(), c.caller, c.name, c.role, c.person)
			require.Equal(t, c.kind, fault.KindOf(err), "%v", err)
			require.ErrorContains(t, err, c.mention)
		})
	}
}

func TestUnknownBearers(t *testing.T) {
	k, _ := keyring(t)
	for _, secret := range []string{"", "blt_", "blt_nothing", strings.Repeat("x", 1<<16)} {
		_, err := k.Bearer(ctx(), secret)
		require.True(t, fault.Is(err, fault.Unauthenticated), err)
	}
	require.True(t, fault.Is(k.Revoke(ctx(), machine(service.Admin), "tok_none"), fault.NotFound))
	require.True(t, fault.Is(k.Revoke(ctx(), machine(service.Admin), ""), fault.NotFound))
	require.True(t, fault.Is(k.Revoke(ctx(), machine(service.Viewer), "tok_none"), fault.Denied))
	_, err := k.List(ctx(), machine(service.Viewer))
	require.True(t, fault.Is(err, fault.Denied))
}
