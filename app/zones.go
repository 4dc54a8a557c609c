package app

import (
	"fmt"
	"time"
)

// Zone finds a time zone by its IANA name. "Local" is none: it means another place on every machine.
func Zone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, fmt.Errorf("time zone %q: want an IANA name such as Europe/Madrid", name)
	}
	return time.LoadLocation(name)
}
