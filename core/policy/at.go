package policy

import "github.com/belayhq/belay/core/org"

// At is the tier with this index; past the last one it is the catch-all.
func (p Plan) At(tier int) org.Tier {
	if tier >= 0 && tier < len(p.Tiers) {
		return p.Tiers[tier]
	}
	return p.CatchAll
}
