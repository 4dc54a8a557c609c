//go:build !linux

package main

import "syscall"

// dieWithUs can do nothing here: Postgres outlives a killed devstack, and the next one stops it (see evict).
func dieWithUs(*syscall.SysProcAttr) {}
