package bench

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestAPercentileIsAValueThatWasMeasured(t *testing.T) {
	var hundred Sample
	for i := 1; i <= 100; i++ {
		hundred = append(hundred, time.Duration(i))
	}
	rand.Shuffle(len(hundred), func(i, j int) { hundred[i], hundred[j] = hundred[j], hundred[i] })
	for _, c := range []struct {
		sample Sample
		p      float64
		want   time.Duration
	}{
		{nil, 50, 0},
		{Sample{7}, 1, 7},
		{Sample{7}, 99, 7},
		{Sample{15, 20, 35, 40, 50}, 5, 15},
		{Sample{15, 20, 35, 40, 50}, 30, 20},
		{Sample{15, 20, 35, 40, 50}, 40, 20},
		{Sample{50, 40, 35, 20, 15}, 50, 35},
		{Sample{15, 20, 35, 40, 50}, 100, 50},
		{hundred, 50, 50},
		{hundred, 99, 99},
		{hundred, 99.1, 100},
		{hundred[:99], 100, hundred[:99].Max()},
		{Sample{1, 2}, 50, 1},
		{Sample{1, 2}, 51, 2},
	} {
		require.Equal(t, c.want, c.sample.Percentile(c.p), "p%g of %v", c.p, c.sample)
	}
}

func TestAsking(t *testing.T) {
	before := Sample{3, 1, 2}
	require.Equal(t, time.Duration(2), before.P50())
	require.Equal(t, Sample{3, 1, 2}, before, "asking does not sort what it was given")
	require.Equal(t, 12.3, ms(12345*time.Microsecond))
	require.Equal(t, 1.23, sec(1234*time.Millisecond))
	require.Equal(t, 33.3, perSecond(100, 3*time.Second))
	require.Zero(t, perSecond(100, 0))
}
