package api

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestARequestThatTakesLongHoldsItsKeyUntilItIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var held atomic.Int64
		stop := pulse(t.Context(), holdEvery, func(context.Context) { held.Add(1) })
		time.Sleep(3*holdEvery + time.Millisecond)
		require.EqualValues(t, 3, held.Load())
		stop()
		time.Sleep(time.Minute)
		require.EqualValues(t, 3, held.Load())
	})
}
