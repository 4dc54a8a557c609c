//go:build !linux

package pgtest

import "syscall"

// dieWithUs can do nothing here: killed tests leave their server running.
func dieWithUs(*syscall.SysProcAttr) {}
