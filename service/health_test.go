package service_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/service"
)

// Strangers may ask as often as they like: the database hears of one of them.
func TestACrowdThatAsksForReadinessIsOneQuestion(t *testing.T) {
	var asked atomic.Int64
	gone := errors.New("gone")
	probe := service.Probe{Name: "postgres", Ask: func(ctx context.Context) error {
		asked.Add(1)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return gone
	}}
	health := service.Health{Probes: []service.Probe{probe.Remembered(time.Minute)}}
	impatient, hangUp := context.WithCancel(t.Context())
	hangUp()
	health.Ready(impatient)
	var crowd sync.WaitGroup
	for range 100 {
		crowd.Go(func() {
			ready, found := health.Ready(t.Context())
			if ready || !errors.Is(found[0].Error, gone) {
				t.Errorf("%v %v", ready, found)
			}
		})
	}
	crowd.Wait()
	require.EqualValues(t, 1, asked.Load())

	fresh := service.Health{Probes: []service.Probe{probe.Remembered(0)}}
	fresh.Ready(t.Context())
	fresh.Ready(t.Context())
	require.EqualValues(t, 3, asked.Load())
}
