// Package bench measures a running Belay from outside, as its senders and receivers see it: over HTTP, with sinks of its
// own, and beside bare Temporal workflows that do as much on the same server. It knows nothing of stores, services and
// workflows; a figure whose messages do not add up is a missed one.
package bench

import (
	"time"
)

// Options of a run.
type Options struct {
	Server    string // Belay's address, as http://127.0.0.1:8080
	Token     string // of an administrator or responder
	Temporal  string // host:port of the Temporal server behind it
	Namespace string // empty: "default"
	Database  string // Belay's PostgreSQL, to look for what was accepted; empty: such rows wait for messages instead
	Key       string // what the routing keys of the bench's blueprint begin with
	Sink      string // where the bench listens; the blueprint's messages go there

	Only    []string // names of measurements; empty: all
	Short   bool     // a tenth of the time: whether it works, not how fast
	Conduct Conduct  // of the receivers
	Profile string   // directory for profiles of the installation; empty: none
	Probes  []string // addresses of its pprof endpoints
	// Processes are weighed where many escalations are open; none: memory is not told.
	Processes []Process
	Say       func(string)
}

// long is a duration or number of the long form, or what stands for it in the short one.
func (o Options) long(d time.Duration) time.Duration {
	if o.Short {
		return max(d/10, 3*time.Second)
	}
	return d
}

func (o Options) many(n int) int {
	if o.Short {
		return max(n/20, 10)
	}
	return n
}
