package app

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOnlyZonesThatAreTheSameEverywhere(t *testing.T) {
	zone, err := Zone("Asia/Kathmandu")
	require.NoError(t, err)
	require.Equal(t, "Asia/Kathmandu", zone.String())
	for _, name := range []string{"", "Local", "Atlantis/Centre", "../../etc/passwd"} {
		_, err := Zone(name)
		require.Error(t, err, name)
	}
}
