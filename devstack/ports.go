package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// listener is something that listens where the command line says.
type listener string

const (
	postgresListener listener = "Postgres"
	storeListener    listener = "Temporal's Postgres"
	temporalListener listener = "Temporal"
	uiListener       listener = "the Temporal UI"
)

// movedBy says how a person moves it (the flag, and the variable that Belay turns into it) and where a free port is sought.
func (l listener) movedBy() (flag, env string, b band) {
	switch l {
	case postgresListener:
		return "--postgres-addr", "BELAY_POSTGRES_ADDR", postgresBand
	case storeListener:
		return "--temporal-postgres-addr", "BELAY_TEMPORAL_POSTGRES_ADDR", storeBand
	case temporalListener:
		return "--temporal-addr", "BELAY_TEMPORAL_ADDR", temporalBand
	case uiListener:
		return "--ui-addr", "BELAY_TEMPORAL_UI_ADDR", uiBand
	}
	panic("unknown listener " + l)
}

// resolve turns host:port into the IP and port to use: port 0 becomes a free port, a taken port becomes an error that says
// how to move it. Nobody holds the port until the caller listens.
func (l listener) resolve(addr string) (string, error) {
	flag, env, band := l.movedBy()
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return "", fmt.Errorf("%s %q: want host:port", flag, addr)
	}
	switch host {
	case "", "localhost":
		host = "127.0.0.1"
	}
	if net.ParseIP(host) == nil {
		return "", fmt.Errorf("%s %q: the host must be an IP address", flag, addr)
	}
	port, err := strconv.Atoi(service)
	if err != nil || port < 0 || port > 65535 {
		return "", fmt.Errorf("%s %q: %q is no port", flag, addr, service)
	}
	if port == 0 {
		if port, err = freePort(host, band); err != nil {
			return "", err
		}
		return net.JoinHostPort(host, strconv.Itoa(port)), nil
	}
	resolved := net.JoinHostPort(host, strconv.Itoa(port))
	probe, err := net.Listen("tcp", resolved)
	if err != nil {
		return "", fmt.Errorf("%s cannot listen on %s: %w; stop what uses port %d, or move %s with %s (%s)",
			l, addr, unwrapped(err), port, l, env, flag)
	}
	return resolved, probe.Close()
}

// split takes a resolved address apart.
func split(resolved string) (host string, port int, err error) {
	host, service, err := net.SplitHostPort(resolved)
	if err != nil {
		return "", 0, err
	}
	port, err = strconv.Atoi(service)
	return host, port, err
}

// A band is for one who may need a free port of its own; each looks in its own range, so that two that have chosen but do not
// listen yet cannot have chosen alike.
type band int

const (
	postgresBand band = iota
	storeBand
	temporalBand
	uiBand
	historyBand
	matchingBand
	workerBand
	fetchBand
)

const (
	lowestPort = 20000
	bandWidth  = 1590 // eight bands end below 32768, where systems begin to hand out ports to outgoing connections
)

// freePort finds a port that nobody listens on, and that no client will be given a moment later.
func freePort(host string, b band) (int, error) {
	lowest := lowestPort + int(b)*bandWidth
	for range 200 {
		port := lowest + rand.IntN(bandWidth)
		probe, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			return port, probe.Close()
		}
	}
	return 0, fmt.Errorf("no free port on %s between %d and %d", host, lowest, lowest+bandWidth)
}

// unwrapped cuts Go's "listen tcp 127.0.0.1:7233: bind:" off the system's own words.
func unwrapped(err error) error {
	for {
		inner, ok := err.(interface{ Unwrap() error })
		if !ok || inner.Unwrap() == nil {
			return err
		}
		err = inner.Unwrap()
	}
}
