package outbound_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/belayhq/belay/integrations/outbound"
)

func TestPublic(t *testing.T) {
	for _, text := range []string{"93.184.215.14", "8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "2606:4700::1111", "2a00:1450::1"} {
		require.True(t, outbound.Public(netip.MustParseAddr(text)), text)
	}
	for _, text := range []string{
		"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "168.63.129.16", "169.254.169.254", "172.31.255.255", "192.0.0.192", "192.168.0.1",
		"198.19.0.1", "203.0.113.9", "239.1.1.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1",
		"64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:a00:1::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1%eth0", "fec0::1", "ff02::1",
	} {
		require.False(t, outbound.Public(netip.MustParseAddr(text)), text)
	}
	require.False(t, outbound.Public(netip.Addr{}))
}

// Whatever way an IPv4 address is written as IPv6, it is judged as the IPv4 address that it is.
func TestAnAddressCannotDressUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		four := netip.AddrFrom4([4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address")))
		require.Equal(t, outbound.Public(four), outbound.Public(netip.AddrFrom16(four.As16())))
	})
}
