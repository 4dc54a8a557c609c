// Package bench measures a running Belay from outside, as its senders and receivers see it: over HTTP, with sinks of its
// own, and beside bare Temporal workflows that do as much on the same server. It knows nothing of stores, services and
// workflows; a figure whose messages do not add up is a missed one.
package bench
