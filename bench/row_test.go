package bench

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAVerdictIsThatOfTheBudgetAndTheAudit(t *testing.T) {
	lost := Findings{Lost: []string{"a"}}
	for name, c := range map[string]struct {
		row  Row
		want bool
	}{
		"without a budget":             {figure("a", 1, "s"), true},
		"enough":                       {figure("a", 10, "1/s").atLeast(10), true},
		"too few":                      {figure("a", 9.9, "1/s").atLeast(10), false},
		"quick":                        {figure("a", 10, "ms").atMost(10), true},
		"slow":                         {figure("a", 10.1, "ms").atMost(10), false},
		"as good as it must be":        {figure("a", 6, "1/s").against(10).ratioAtLeast(0.6), true},
		"budget first":                 {figure("a", 6, "1/s").ratioAtLeast(0.6).against(10), true},
		"worse than it may be":         {figure("a", 5, "1/s").against(10).ratioAtLeast(0.6), false},
		"later than it may be":         {figure("a", 14, "s").against(10).ratioAtMost(1.3), false},
		"nothing to compare with":      {figure("a", 14, "s").ratioAtMost(1.3), false},
		"bare did nothing":             {figure("a", 14, "s").against(0).ratioAtMost(1.3), false},
		"within budget, but lost some": {figure("a", 10, "ms").atMost(10).audited(lost), false},
		"lost some without a budget":   {figure("a", 10, "ms").audited(lost), false},
		"could not be measured":        {figure("a", 10, "ms").atMost(10).broken("no Temporal"), false},
	} {
		require.Equal(t, c.want, c.row.OK, name)
		require.Equal(t, c.want, Report{figure("fine", 1, "s"), c.row}.OK(), name)
	}
}

func TestARowInJSONHasTheNamesThatOthersRead(t *testing.T) {
	raw, err := json.Marshal(figure("first-p50", 42.5, "ms").against(20).atMost(80))
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"first-p50","value":42.5,"unit":"ms","bare":20,"ratio":2.13,"budget":80,"better":"less","ok":true}`, string(raw))
	raw, err = json.Marshal(figure("plain", 1, "s"))
	require.NoError(t, err)
	require.JSONEq(t, `{"name":"plain","value":1,"unit":"s","bare":null,"budget":null,"ok":true}`, string(raw))
}

func TestTheTableSaysWhatWasMissed(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, Report{
		figure("life", 20, "1/s").against(40).ratioAtLeast(0.6).audited(Findings{}).noted("of %d", 200),
		figure("first", 60, "ms").atMost(80),
	}.Write(&out))
	require.Regexp(t, `life +≥ 0.6 × bare +20 1/s +40 +0.5 +MISSED +nothing lost, nothing twice; of 200`, out.String())
	require.Regexp(t, `first +≤ 80 +60 ms +- +- +ok`, out.String())
}
