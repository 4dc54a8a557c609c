package main

import "syscall"

// dieWithUs has the kernel shut Postgres down, in good order, when we are killed.
func dieWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
