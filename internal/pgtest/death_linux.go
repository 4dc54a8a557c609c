package pgtest

import "syscall"

// dieWithUs has the kernel stop the server when the tests are killed.
func dieWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGQUIT }
