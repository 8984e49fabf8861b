package guard

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/skiff-k8s/skiff/devcluster/internal/process"
)

const (
	// sweepFor is the limit for killing the processes that a command left behind. A process of
	// another user (sudo) cannot be killed, and must not block the guard forever.
	sweepFor = 5 * time.Second
	// sweepPause is how long a killed process may take to end before the guard checks again.
	sweepPause = 2 * time.Millisecond
)

// Main is the main function of the guard. It runs the command of args (its path, then its argv),
// and returns its exit code when no process of it is left.
func Main(args []string) int {
	if len(args) < 2 {
		fmt.Fprintf(os.Stderr, "%s is for devcluster to start, not for you\n", Name)
		return 2
	}
	// The terminal's signals reach the command too, and the command handles them. The guard catches
	// and does not ignore them, because the command would inherit an ignored signal.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	syscall.CloseOnExec(descriptor)
	adopt()

	runtime.LockOSThread() // which the command's death signal hangs on
	command, err := syscall.ForkExec(args[0], args[1:], &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
		Sys:   process.DieWithParent(&syscall.SysProcAttr{}),
	})
	if err != nil {
		fmt.Fprintf(os.Stderr, "devcluster: run %s: %v\n", args[0], err)
		return NotFound
	}
	go obey(command)
	status := wait(command)
	sweep()
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// obey passes on the signals that devcluster sends, and ends all processes when devcluster has
// ended.
func obey(command int) {
	pipe := os.NewFile(descriptor, "guard")
	var b [1]byte
	for {
		if n, err := pipe.Read(b[:]); n == 0 && err != nil {
			break
		}
		syscall.Kill(command, syscall.Signal(b[0]))
	}
	syscall.Kill(command, syscall.SIGKILL) // which lets wait return, and sweep find the rest
}

// wait reaps the guard's children, adopted ones included, until the command is among them.
func wait(command int) syscall.WaitStatus {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if pid == command || err != nil {
			return status
		}
	}
}

// sweep kills the processes below the guard until none is left. A pass may miss a process that is
// being forked. Its parent dies, the guard adopts it, and the next pass finds it.
func sweep() {
	for deadline := time.Now().Add(sweepFor); time.Now().Before(deadline); {
		for _, pid := range descendants() {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		for {
			pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
			if errors.Is(err, syscall.ECHILD) {
				return
			}
			if pid == 0 {
				break // some are left, but still alive
			}
		}
		time.Sleep(sweepPause) // wait4 has no deadline
	}
}
