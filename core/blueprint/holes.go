package blueprint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
	"github.com/belayhq/belay/core/policy"
)

// Depth says how deep a hole in the coverage is.
type Depth string

const (
	Nobody       Depth = "nobody"         // no tier reaches anybody, nor does the catch-all
	OnlyCatchAll Depth = "only_catch_all" // no tier reaches anybody; the catch-all does
	EmptyTier    Depth = "empty_tier"     // one or more tiers reach nobody; others do
	Thin         Depth = "thin"           // the first tier reaches one person, and nobody behind them
)

// Silent reports whether nobody would be told before the catch-all: what a plan must not be applied with unseen.
func (d Depth) Silent() bool { return d == Nobody || d == OnlyCatchAll }

// Hole is a stretch of time in which an escalation would not reach whom it should.
type Hole struct {
	Service  id.Service   `json:"service"`
	Kind     org.Kind     `json:"kind"`
	Priority org.Priority `json:"priority"`
	From     time.Time    `json:"from"`
	Until    time.Time    `json:"until"` // half open
	Depth    Depth        `json:"depth"`
	Why      string       `json:"why"`  // "nobody in tier 1 (schedule primary: nobody on call)"
	Text     string       `json:"text"` // the whole sentence
}

// step is how finely time is looked at: shifts that change at half past the hour count, as in Kolkata or Adelaide.
const step = 30 * time.Minute

// Holes proves for every service, kind and priority, and for every half hour of so many days from an instant on, whom
// an escalation opened then would reach, with the same code that finds people when it happens. Each hole is told at its
// deepest; neighbouring ones are merged. It takes the blueprint as written: what is changed by hand at run time is not
// its matter.
func Holes(o *org.Org, from time.Time, days int) []Hole {
	watch := watch{directory: policy.Directory{Org: o}, from: from.UTC().Truncate(step), days: days, reached: map[string][]reach{}, found: map[string][]Hole{}}
	var out []Hole
	for _, c := range combinations(o, org.Policy{}) {
		for _, hole := range watch.holes(c) {
			hole.Service, hole.Kind, hole.Priority = c.service, c.kind, c.priority
			hole.Text = fmt.Sprintf("%s, %s, %s: %s: %s", c.service, c.kind, c.priority, window(hole.From, hole.Until), hole.Why)
			out = append(out, hole)
		}
	}
	return out
}

// watch remembers what it has seen: many combinations climb the same tiers.
type watch struct {
	directory policy.Directory
	from      time.Time
	days      int
	reached   map[string][]reach // by tier and urgency
	found     map[string][]Hole  // by policy and urgency
}

// reach is whom one tier finds at one instant.
type reach struct {
	people  int
	vendors int
	skips   string
}

func (w watch) steps() int { return w.days * int(24*time.Hour/step) }

func (w watch) holes(c combination) []Hole {
	plan, err := policy.Compile("", w.directory.Org, c.service, c.kind, c.priority)
	if err != nil {
		return []Hole{{From: w.from, Until: w.from.AddDate(0, 0, w.days), Depth: Nobody, Why: err.Error()}}
	}
	known := string(plan.Policy) + "/" + string(c.priority.Urgency())
	if holes, seen := w.found[known]; seen {
		return holes
	}
	var holes []Hole
	for i := range w.steps() {
		depth, why := w.judge(plan, i)
		if depth == "" {
			continue
		}
		at := w.from.Add(time.Duration(i) * step)
		if last := len(holes) - 1; last >= 0 && holes[last].Until.Equal(at) && holes[last].Depth == depth && holes[last].Why == why {
			holes[last].Until = at.Add(step)
			continue
		}
		holes = append(holes, Hole{From: at, Until: at.Add(step), Depth: depth, Why: why})
	}
	w.found[known] = holes
	return holes
}

// judge says how deep the hole is that an escalation would meet, with the reason; nothing when there is none.
func (w watch) judge(plan policy.Plan, at int) (Depth, string) {
	var empty, unmanned []string // without anybody; without a human of ours
	humans := 0
	for i, tier := range plan.Tiers {
		r := w.tier(tier, plan.Priority)[at]
		humans += r.people
		if r.people > 0 {
			continue
		}
		unmanned = append(unmanned, fmt.Sprintf("tier %d%s", i+1, r.skips))
		if r.vendors == 0 {
			empty = append(empty, unmanned[len(unmanned)-1])
		}
	}
	if humans > 0 && len(empty) > 0 {
		return EmptyTier, "nobody in " + strings.Join(empty, ", ")
	}
	if humans > 0 {
		if first := w.tier(plan.Tiers[0], plan.Priority)[at]; first.people == 1 {
			return Thin, "one person in tier 1 and no backup" + first.skips
		}
		return "", ""
	}

	catchAll := w.tier(plan.CatchAll, plan.Priority)[at]
	lacks := "nobody of ours in any tier: " + strings.Join(unmanned, ", ")
	if len(plan.Tiers) == 0 {
		lacks = "no policy matches"
	}
	if catchAll.people == 0 {
		return Nobody, lacks + "; nobody in the catch-all either" + catchAll.skips
	}
	return OnlyCatchAll, lacks + "; only the catch-all pages"
}

// tier is whom a tier finds, step by step.
func (w watch) tier(tier org.Tier, p org.Priority) []reach {
	key := fmt.Sprint(tier.Targets, tier.Backups, p.Urgency())
	if seen, ok := w.reached[key]; ok {
		return seen
	}
	list := make([]reach, w.steps())
	who := org.Tier{Targets: tier.Targets, Backups: tier.Backups} // deadlines are no question here
	for i := range list {
		roll := policy.Muster(w.directory, policy.Call{Tier: who, Priority: p, At: w.from.Add(time.Duration(i) * step)})
		list[i] = reach{people: len(roll.Targets) + len(roll.Backups), vendors: len(roll.Vendors), skips: skipText(roll.Skips)}
	}
	w.reached[key] = list
	return list
}

func skipText(skips []policy.Skip) string {
	var out []string
	for _, skip := range skips {
		who := skip.Target
		if skip.Person != "" && who != "person "+string(skip.Person) {
			who += ", " + string(skip.Person)
		}
		out = append(out, who+": "+reasonText(skip.Reason))
	}
	if len(out) == 0 {
		return ""
	}
	return " (" + strings.Join(out, "; ") + ")"
}

func reasonText(reason policy.Reason) string {
	switch reason {
	case policy.NoShift:
		return "nobody on call"
	case policy.Away:
		return "away"
	case policy.NoMethod:
		return "no contact method"
	case policy.OptedOut:
		return "opted out"
	case policy.MethodsDead:
		return "every method failed"
	case policy.Departed:
		return "departed"
	case policy.OutsideCover:
		return "outside hours of cover"
	case policy.AlreadyTold:
		return "already told"
	}
	return string(reason)
}

func window(from, until time.Time) string {
	const day, minute = "Mon 2006-01-02 15:04", "15:04"
	if last := until.Add(-time.Nanosecond); from.YearDay() == last.YearDay() && from.Year() == last.Year() {
		end := until.Format(minute)
		if end == "00:00" {
			end = "24:00"
		}
		return from.Format(day) + "–" + end + " UTC"
	}
	return from.Format(day) + " – " + until.Format(day) + " UTC"
}

// Describe says holes in as few lines as hold them: what several services, kinds and priorities have in common is said
// once.
func Describe(holes []Hole) []string {
	type what struct{ why, when string }
	when := map[combination]map[string][]string{}
	var order []combination
	for _, hole := range holes {
		c := combination{hole.Service, hole.Kind, hole.Priority}
		if when[c] == nil {
			when[c] = map[string][]string{}
			order = append(order, c)
		}
		when[c][hole.Why] = append(when[c][hole.Why], window(hole.From, hole.Until))
	}
	var lines []group[what]
	for _, c := range order {
		for _, why := range sortedKeys(when[c]) {
			lines = append(lines, group[what]{what: what{why, shorten(when[c][why])}, services: []string{string(c.service)}, kinds: []string{string(c.kind)}, priorities: []string{string(c.priority)}})
		}
	}
	lines = merge(lines, func(g group[what]) string { return fmt.Sprint(g.what, g.services, g.kinds) }, func(into *group[what], g group[what]) { into.priorities = append(into.priorities, g.priorities...) })
	lines = merge(lines, func(g group[what]) string { return fmt.Sprint(g.what, g.services, g.priorities) }, func(into *group[what], g group[what]) { into.kinds = append(into.kinds, g.kinds...) })
	lines = merge(lines, func(g group[what]) string { return fmt.Sprint(g.what, g.kinds, g.priorities) }, func(into *group[what], g group[what]) { into.services = append(into.services, g.services...) })
	var out []string
	for _, g := range lines {
		out = append(out, fmt.Sprintf("%s (%s, %s): %s: %s", strings.Join(g.services, ", "), strings.Join(g.kinds, ", "), strings.Join(g.priorities, ", "), g.what.when, g.what.why))
	}
	return out
}

type group[W any] struct {
	what                        W
	services, kinds, priorities []string
}

func merge[W any](lines []group[W], key func(group[W]) string, add func(into *group[W], g group[W])) []group[W] {
	var out []group[W]
	at := map[string]int{}
	for _, g := range lines {
		if i, seen := at[key(g)]; seen {
			add(&out[i], g)
			continue
		}
		at[key(g)] = len(out)
		out = append(out, g)
	}
	return out
}

func shorten(windows []string) string {
	if len(windows) <= 3 {
		return strings.Join(windows, ", ")
	}
	return strings.Join(windows[:3], ", ") + fmt.Sprintf(" and %d times more", len(windows)-3)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
