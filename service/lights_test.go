package service_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/service"
)

var sunrise = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

// A thousand timelines that are tried again every few seconds are a load of their own, in the dark and when it ends.
func TestWhoHasTimeComesAgainLaterTheLongerTheRecordsAreAway(t *testing.T) {
	now := sunrise
	lights := &service.Lights{Now: func() time.Time { return now }}
	away := fault.New(fault.Unavailable, "nobody answers")
	require.NoError(t, lights.Later(nil))
	require.Zero(t, fault.RetryAfter(lights.Later(away)), "they are on: it is something else")

	lights.Saw(away)
	wait := func(after time.Duration) (least, most time.Duration) {
		now, least = sunrise.Add(after), time.Hour
		for range 200 {
			err := lights.Later(away)
			require.True(t, fault.Is(err, fault.Unavailable))
			least, most = min(least, fault.RetryAfter(err)), max(most, fault.RetryAfter(err))
		}
		return least, most
	}
	for _, scene := range []struct{ after, around time.Duration }{
		{0, time.Second}, {20 * time.Second, 5 * time.Second}, {time.Hour, 40 * time.Second},
	} {
		least, most := wait(scene.after)
		require.GreaterOrEqual(t, least, scene.around/2)
		require.LessOrEqual(t, most, scene.around*3/2)
		require.Greater(t, most-least, scene.around/4, "not all at once")
	}
	wrong := fault.Field("title", "too long")
	require.Equal(t, wrong, lights.Later(wrong), "that does not get better")
	lights.Saw(nil)
	require.Zero(t, fault.RetryAfter(lights.Later(away)))
}
