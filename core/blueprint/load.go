package blueprint

import (
	"time"

	"github.com/belayhq/belay/core/calendar"
)

// Load reads files with the public holidays that we know. Zones finds a time zone by its IANA name; the error is of type
// Errors and holds every mistake found, sorted by place.
func Load(files []File, zones func(name string) (*time.Location, error)) (*Blueprint, error) {
	return Loader{Zones: zones, Public: calendar.Public}.Load(files)
}
