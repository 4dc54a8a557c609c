package outbound

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// A proxy named in the environment would dial for us, past the check of addresses. The environment is read once per
// process, so that only the setting itself can be tested.
func TestNoProxyFromTheEnvironment(t *testing.T) {
	c := New(Options{})
	for _, one := range []*http.Client{c.https, c.http} {
		transport, ok := one.Transport.(*http.Transport)
		require.True(t, ok)
		require.Nil(t, transport.Proxy)
	}
}
