package main

import (
	"os/exec"
	"syscall"
)

// ownGroup starts cmd in a process group of its own: Ctrl-C is for this process, which stops the
// others in their order.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}
