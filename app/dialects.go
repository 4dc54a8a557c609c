package app

import (
	"slices"
	"strings"

	"github.com/belayhq/belay/core/alert"
	"github.com/belayhq/belay/core/fault"
	"github.com/belayhq/belay/integrations/alertmanager"
)

// Dialects are the formats that POST /in/{format}/{key} understands, by name.
func Dialects() []alert.Dialect {
	all := []alert.Dialect{
		alertmanager.Dialect(),
	}
	slices.SortFunc(all, func(a, b alert.Dialect) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// Dialect of a format. fault.Invalid, with the names that there are.
func Dialect(name string) (alert.Dialect, error) {
	for _, d := range Dialects() {
		if d.Name == name {
			return d, nil
		}
	}
	return alert.Dialect{}, fault.Field("format", "%q is none of %s", name, strings.Join(Formats(), ", "))
}

// Formats are the names of the dialects.
func Formats() []string {
	var names []string
	for _, d := range Dialects() {
		names = append(names, d.Name)
	}
	return names
}
