package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// listener names an address we are asked to listen on, and how a person moves it.
type listener struct {
	What string // "Postgres"
	Flag string // "--postgres-addr"
	Env  string // "BELAY_POSTGRES_ADDR"
}

// resolve turns host:port into the address to use: port 0 becomes a free port, a taken port becomes an error that says how
// to move it. The port stays free until the caller listens, so a race with another program is possible and shows as its error.
func (l listener) resolve(addr string) (host string, port int, err error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return "", 0, fmt.Errorf("%s %q: want host:port", l.Flag, addr)
	}
	switch host {
	case "", "localhost":
		host = "127.0.0.1"
	}
	if net.ParseIP(host) == nil {
		return "", 0, fmt.Errorf("%s %q: the host must be an IP address", l.Flag, addr)
	}
	port, err = strconv.Atoi(service)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("%s %q: %q is no port", l.Flag, addr, service)
	}
	if port == 0 {
		port, err = freePort(host)
		return host, port, err
	}
	probe, err := net.Listen("tcp", net.JoinHostPort(host, service))
	if err != nil {
		return "", 0, fmt.Errorf("%s cannot listen on %s: %w; stop what uses port %d, or move %s with %s (%s)",
			l.What, addr, unwrapped(err), port, l.What, l.Env, l.Flag)
	}
	_ = probe.Close()
	return host, port, nil
}

// freePort looks below the range from which systems hand out ports to outgoing connections: a port found there is not
// taken a moment later by a client that happens to connect somewhere.
func freePort(host string) (int, error) {
	for range 200 {
		port := 20000 + rand.IntN(12000)
		probe, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			_ = probe.Close()
			return port, nil
		}
	}
	return 0, fmt.Errorf("no free port on %s between 20000 and 32000", host)
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
