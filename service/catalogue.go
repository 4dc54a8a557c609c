package service

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/core/id"
	"github.com/belayhq/belay/core/org"
)

// Catalogue reads the organisation as it is now.
type Catalogue struct {
	Organisation Organisation
	Access       Access
}

// People answers everybody, by ID. Addresses are masked unless the caller may see them.
func (k *Catalogue) People(c Caller) ([]org.Person, error) {
	if err := k.Access.May(c, Read); err != nil {
		return nil, err
	}
	people := byID(k.Organisation.Current().Org.People)
	for i, p := range people {
		people[i] = k.masked(c, p)
	}
	return people, nil
}

// Person answers one. fault.NotFound.
func (k *Catalogue) Person(c Caller, p id.Person) (org.Person, error) {
	if err := k.Access.May(c, Read); err != nil {
		return org.Person{}, err
	}
	found, ok := k.Organisation.Current().Org.People[p]
	if !ok {
		return org.Person{}, fault.New(fault.NotFound, "there is no person %q", p)
	}
	return k.masked(c, found), nil
}

// Services answers them by ID.
func (k *Catalogue) Services(c Caller) ([]org.Service, error) {
	if err := k.Access.May(c, Read); err != nil {
		return nil, err
	}
	return byID(k.Organisation.Current().Org.Services), nil
}

// Schedules answers them by ID.
func (k *Catalogue) Schedules(c Caller) ([]org.Schedule, error) {
	if err := k.Access.May(c, Read); err != nil {
		return nil, err
	}
	return byID(k.Organisation.Current().Org.Schedules), nil
}

// masked hides the addresses of a person from those who need not know them. Everybody may see their own.
func (k *Catalogue) masked(c Caller, p org.Person) org.Person {
	if c.Person == p.ID && c.Person != "" || k.Access.May(c, ReadContacts) == nil {
		return p
	}
	p.Methods = slices.Clone(p.Methods)
	for i, m := range p.Methods {
		p.Methods[i].Address = mask(m.Channel, m.Address)
	}
	return p
}

// mask leaves of an address what tells two apart and no more: "+4*******34", "a***@acme.example", "https://hooks.…".
func mask(channel org.Channel, address string) string {
	switch channel {
	case org.Email:
		if name, domain, ok := strings.Cut(address, "@"); ok && name != "" {
			return name[:1] + "***@" + domain
		}
	case org.SMS, org.Voice:
		if n := len(address); n > 6 {
			return address[:2] + strings.Repeat("*", n-4) + address[n-2:]
		}
	case org.Webhook:
	}
	return "***"
}

func byID[K cmp.Ordered, V any](all map[K]V) []V {
	sorted := make([]V, 0, len(all))
	for _, key := range slices.Sorted(maps.Keys(all)) {
		sorted = append(sorted, all[key])
	}
	return sorted
}
