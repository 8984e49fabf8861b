package process

import "syscall"

// DieWithParent adds what ends the child with its parent even where the lifeline cannot: a paused
// process (SIGSTOP) does not read its pipe, but the kernel's SIGKILL finds it.
func DieWithParent(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	a.Pdeathsig = syscall.SIGKILL
	return a
}
