package bench

import (
	"math"
	"slices"
	"time"
)

// Sample is a set of measured durations. The zero value is empty.
type Sample []time.Duration

// Percentile is the nearest-rank percentile: the smallest value that at least p percent of the sample do not exceed.
// It is always a value that was measured; an empty sample has none and answers zero. p is in (0, 100].
func (s Sample) Percentile(p float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(s))
	rank := int(math.Ceil(p / 100 * float64(len(sorted))))
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// P50 is the median, by nearest rank.
func (s Sample) P50() time.Duration { return s.Percentile(50) }

// P99 is the 99th percentile, by nearest rank: of fewer than 100 values, the largest.
func (s Sample) P99() time.Duration { return s.Percentile(99) }

// Max is the largest value.
func (s Sample) Max() time.Duration { return s.Percentile(100) }

// ms is a duration in milliseconds, to a tenth.
func ms(d time.Duration) float64 { return round(float64(d)/float64(time.Millisecond), 1) }

// sec is a duration in seconds, to a hundredth.
func sec(d time.Duration) float64 { return round(d.Seconds(), 2) }

// perSecond is how many of n things came in a second, to a tenth.
func perSecond(n int, within time.Duration) float64 {
	if within <= 0 {
		return 0
	}
	return round(float64(n)/within.Seconds(), 1)
}

func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}
