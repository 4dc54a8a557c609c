package service_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

func TestAShareIsUsedUpAndComesBack(t *testing.T) {
	now := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	l := &service.Limits{Events: 2}
	for range 10 {
		require.NoError(t, l.Event("key", now), "five seconds' worth at once")
	}
	err := l.Event("key", now)
	require.True(t, fault.Is(err, fault.Throttled), err)
	require.Equal(t, 500*time.Millisecond, fault.RetryAfter(err))
	require.NoError(t, l.Event("another", now))
	require.NoError(t, l.Event("key", now.Add(500*time.Millisecond)), "asking in vain costs nothing")
}

func TestTokensOfOneNameHaveTheirOwnShares(t *testing.T) {
	now := time.Now()
	l := &service.Limits{Callers: 0.2}
	one, other := service.Caller{Name: "ci", Token: "tok_1"}, service.Caller{Name: "ci", Token: "tok_2"}
	require.NoError(t, l.Caller(one, now))
	require.Error(t, l.Caller(one, now))
	require.NoError(t, l.Caller(other, now))
}

// A guesser with a whole IPv6 network is one guesser; one with one address is not another's.
func TestAnAddressIsWhatOneCustomerHas(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		one, other string
		same       bool
	}{
		{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
		{"2001:db8:1:2::1", "2001:db8:1:3::1", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"fe80::1%eth0", "fe80::2%eth1", true},
		{"@", "@", true}, // a socket without an address
	} {
		l := &service.Limits{Strangers: 0.2}
		require.NoError(t, l.Stranger(c.one, now))
		require.Equal(t, c.same, l.Stranger(c.other, now) != nil, "%s and %s", c.one, c.other)
	}
}

// A crowd of invented keys neither takes our memory nor makes us forget who is busy.
func TestACrowdNeitherFillsTheMemoryNorFreesTheBusy(t *testing.T) {
	now := time.Now()
	l := &service.Limits{Events: 0.2}
	require.NoError(t, l.Event("busy", now))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	long := strings.Repeat("x", 100<<10)
	for i := range 100_000 {
		_ = l.Event(fmt.Sprint(i, long[:i%4096]), now)
		if i%1000 == 0 {
			require.Error(t, l.Event("busy", now), "forgotten after %d others", i)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(8<<20))
	runtime.KeepAlive(l)
}

func TestLivePagesAreCounted(t *testing.T) {
	l := &service.Limits{StreamsOfOne: 2, StreamsOfAll: 3}
	ana, ben := service.Caller{Person: "ana"}, service.Caller{Person: "ben"}
	leave, err := l.Stream(ana)
	require.NoError(t, err)
	_, err = l.Stream(ana)
	require.NoError(t, err)
	_, err = l.Stream(ana)
	require.True(t, fault.Is(err, fault.Throttled), err)
	require.NotZero(t, fault.RetryAfter(err))
	_, err = l.Stream(ben)
	require.NoError(t, err)
	_, err = l.Stream(ben)
	require.True(t, fault.Is(err, fault.Unavailable), err)
	require.NotZero(t, fault.RetryAfter(err))
	leave()
	leave() // leaving twice is leaving once
	_, err = l.Stream(ben)
	require.NoError(t, err)
	_, err = l.Stream(ben)
	require.Error(t, err)
}
