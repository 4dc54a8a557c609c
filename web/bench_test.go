package web_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/belayhq/belay/web/webtest"
)

// A thousand escalations are open. What it costs to show them is what the start page of a bad night costs.
func BenchmarkNowWithAThousandRows(b *testing.B) {
	h := webtest.Empty(night)
	for n := range 1000 {
		h.Add(another(n, "one of a thousand"))
	}
	s := open(b, site(b, h, nil))
	for b.Loop() {
		require.Equal(b, 200, s.get("/").Code)
	}
}
