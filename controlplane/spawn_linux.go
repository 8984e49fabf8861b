package controlplane

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// spawner starts processes on one thread that lives as long as this process: Linux ties the parent
// death signal to the thread that forked, and Go ends threads as it likes.
var spawner = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	go func() {
		runtime.LockOSThread()
		for f := range work {
			f()
		}
	}()
	return work
})

// spawn starts cmd so that the kernel kills it when this process ends, also by SIGKILL.
func spawn(cmd *exec.Cmd) error {
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	started := make(chan error)
	spawner() <- func() { started <- cmd.Start() }
	return <-started
}
