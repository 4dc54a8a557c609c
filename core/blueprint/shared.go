package blueprint

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Providers says by whom the messages of a channel leave, in the order in which they are asked. Which they are is known
// to an installation, not to a blueprint.
type Providers map[org.Channel][]string

// Shared warns of fallbacks that fail together with what they back: people whose every further method leaves by the one
// provider of the first, and policies whose every tier does. A channel with two providers depends on neither.
func Shared(o *org.Org, providers Providers) []Error {
	s := sharing{org: o, providers: providers}
	return append(s.people(), s.policies()...)
}

type sharing struct {
	org       *org.Org
	providers Providers
}

// people are told of together: a company has one provider or two, and hundreds of people.
func (s sharing) people() []Error {
	affected := map[string][]string{}
	for _, person := range sortedKeys(s.org.People) {
		p := s.org.People[person]
		for _, ladder := range p.Ladders {
			provider, single := s.only(p, ladder)
			if single && len(ladder) > 1 && !p.Departed && !slices.Contains(affected[provider], string(person)) {
				affected[provider] = append(affected[provider], string(person))
			}
		}
	}
	var out []Error
	for _, provider := range sortedKeys(affected) {
		who := affected[provider]
		out = append(out, Error{Field: "ladder", Message: fmt.Sprintf(
			"%s: every method leaves by %s, so that the fallback fails together with what it backs: add a method by another way, or a second provider",
			several(who), provider)})
	}
	return out
}

func (s sharing) policies() []Error {
	affected := map[string][]string{}
	for _, policy := range s.org.Policies {
		if provider, single := s.onlyOf(policy.Tiers); single {
			affected[provider] = append(affected[provider], string(policy.ID))
		}
	}
	var out []Error
	for _, provider := range sortedKeys(affected) {
		out = append(out, Error{Field: "tiers", Message: fmt.Sprintf(
			"%s: everybody in every tier and backup is reached through %s alone: without it nobody is told before the catch-all%s",
			several(affected[provider]), provider, s.catchAll(provider))})
	}
	return out
}

func (s sharing) catchAll(provider string) string {
	if last, single := s.onlyOf([]org.Tier{s.org.CatchAll}); single && last == provider {
		return ", and nobody then"
	}
	return ""
}

// onlyOf is the one provider through which all people of these tiers are reached; vendors are no fallback.
func (s sharing) onlyOf(tiers []org.Tier) (string, bool) {
	people := map[id.Person]bool{}
	for _, tier := range tiers {
		for _, target := range slices.Concat(tier.Targets, tier.Backups) {
			s.collect(target, people)
		}
	}
	var found string
	for _, person := range sortedKeys(people) {
		p := s.org.People[person]
		for _, ladder := range p.Ladders {
			provider, single := s.only(p, ladder)
			if !single || found != "" && provider != found {
				return "", false
			}
			found = provider
		}
	}
	return found, found != ""
}

func (s sharing) collect(target org.Target, into map[id.Person]bool) {
	add := func(people ...id.Person) {
		for _, person := range people {
			if p, known := s.org.People[person]; known && !p.Departed {
				into[person] = true
			}
		}
	}
	switch {
	case target.Person != "":
		add(target.Person)
	case target.Team != "":
		add(s.org.Teams[target.Team].Members...)
	case target.Schedule != "":
		schedule := s.org.Schedules[target.Schedule]
		for _, layer := range schedule.Layers {
			add(layer.People...)
		}
		for _, override := range schedule.Overrides {
			add(override.Person)
		}
	}
}

// only is the one provider on which all rungs of a ladder depend. A rung whose channel has no provider is no way at all.
func (s sharing) only(p org.Person, ladder []org.Rung) (string, bool) {
	var found string
	for _, rung := range ladder {
		method, _ := p.Method(rung.Method)
		switch by := s.providers[method.Channel]; {
		case len(by) == 0:
		case len(by) > 1, found != "" && by[0] != found:
			return "", false
		default:
			found = by[0]
		}
	}
	return found, found != ""
}

func several[T cmp.Ordered](names []T) string {
	const most = 5
	shown := make([]string, 0, most)
	for _, name := range names[:min(most, len(names))] {
		shown = append(shown, fmt.Sprint(name))
	}
	if more := len(names) - most; more > 0 {
		return strings.Join(shown, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(shown, ", ")
}
