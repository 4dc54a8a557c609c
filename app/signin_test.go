package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/service"
)

func TestSignInIsReadFromTheEnvironment(t *testing.T) {
	o, err := FromEnv(env("BELAY_OIDC_ISSUER", "https://login.example.com/realms/acme", "BELAY_OIDC_CLIENT_ID", "belay",
		"BELAY_OIDC_ROLES", "belay-admins=admin, *=viewer", "BELAY_SESSION_IDLE", "1h"))
	require.NoError(t, err)
	require.Equal(t, map[string]service.Role{"belay-admins": service.Admin, "*": service.Viewer}, o.SignIn.Roles)
	require.Equal(t, []string{"openid", "email", "profile"}, o.SignIn.Scopes)
	require.Equal(t, time.Hour, o.SignIn.Idle)
	require.Equal(t, 7*24*time.Hour, o.SignIn.Max)
}

func TestASignInThatCouldNotBeSafeIsNamed(t *testing.T) {
	for name, value := range map[string]string{
		"BELAY_OIDC_ISSUER": "http://login.example.com", "BELAY_OIDC_SCOPES": "email", "BELAY_OIDC_ROLES": "noc=integration",
		"BELAY_SESSION_IDLE": "forever", "BELAY_SESSION_MAX": "1s",
	} {
		_, err := FromEnv(env(name, value))
		require.ErrorContains(t, err, name+": ")
	}
	_, err := FromEnv(env("BELAY_OIDC_ISSUER", "http://127.0.0.1:9000"))
	require.ErrorContains(t, err, "BELAY_OIDC_CLIENT_ID: needed")
	_, err = FromEnv(env("BELAY_OIDC_CLIENT_ID", "belay"))
	require.ErrorContains(t, err, "BELAY_OIDC_ISSUER: needed")
	_, err = FromEnv(env("BELAY_SESSION_IDLE", "200h"))
	require.ErrorContains(t, err, "BELAY_SESSION_IDLE: must not be longer")
}
