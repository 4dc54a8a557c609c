package main

import (
	"io"
	"testing"
)

func TestNonsenseOnTheCommandLineIsRefused(t *testing.T) {
	for _, args := range [][]string{
		{"--search-attribute", "Priority"},
		{"--search-attribute", "=Keyword"},
		{"--search-attribute", "Priority=keyword"},
		{"--search-attribute", "Priority=Unspecified"},
		{"--namespace", ""},
		{"--app-database", ""},
		{"--home", ""},
		{"--no-temporal", "--temporal-postgres-addr", "127.0.0.1:0"},
		{"extra"},
		{"--no-such-flag"},
	} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%q was accepted", args)
		}
	}
	for _, addr := range []string{"", "7233", "127.0.0.1", "127.0.0.1:http-ish", "127.0.0.1:70000", "127.0.0.1:-1", "example.org:0"} {
		if got, err := temporalListener.resolve(addr); err == nil {
			t.Errorf("address %q became %q", addr, got)
		}
	}
}

func TestFreePortsOfDifferentPartsNeverMeet(t *testing.T) {
	owner := map[int]band{}
	for b := postgresBand; b <= fetchBand; b++ {
		for range 50 {
			port, err := freePort(loopback, b)
			if err != nil {
				t.Fatal(err)
			}
			if other, taken := owner[port]; taken && other != b {
				t.Fatalf("port %d was given to %d and %d", port, other, b)
			}
			if port >= 32768 {
				t.Fatalf("port %d can be any outgoing connection's", port)
			}
			owner[port] = b
		}
	}
}
