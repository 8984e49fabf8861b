// Package lifeline ends a process when its parent ends for any reason.
//
// The parent keeps the writing end of a pipe, which it never writes to, and passes the reading end
// to each child. When the parent ends, by SIGKILL too, the kernel closes the writing end, and every
// child reads EOF:
//
//	line, _ := lifeline.New()
//	cmd.ExtraFiles = []*os.File{line.File()}      // file descriptor 3 of the child
//	cmd.Env = append(os.Environ(), lifeline.Env)
//
// and at the beginning of the child:
//
//	held := lifeline.Attach(func() { os.Exit(1) })
package lifeline

import (
	"fmt"
	"os"
	"syscall"
)

// variable is the environment variable that marks descriptor 3 as the process's lifeline.
const variable = "SKIFF_DEVCLUSTER_LIFELINE"

// Env is the line for a child's environment, in addition to the lifeline as its descriptor 3.
const Env = variable + "=3"

// descriptor is the child's descriptor of the pipe: the first of exec.Cmd's ExtraFiles.
const descriptor = 3

// Line is the parent's side. The Line must stay reachable while the children are to live, because
// the garbage collector closes the pipe of an unreachable Line.
type Line struct {
	read, write *os.File
}

// New makes a lifeline. It returns an error only if the process has no free file descriptors.
func New() (*Line, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the pipe that ends the components with this process: %w", err)
	}
	return &Line{read: read, write: write}, nil
}

// File returns the end to pass to a child as its descriptor 3. The Line still owns it.
func (l *Line) File() *os.File { return l.read }

// Cut ends every process that holds the line.
func (l *Line) Cut() {
	l.write.Close()
	l.read.Close()
}

// Attach reports whether this process was started with a lifeline. If so, it removes the variable
// from the environment, so that no child inherits it, and calls gone in a goroutine when the parent
// has ended. A program that a user starts under the name etcd has no lifeline.
func Attach(gone func()) bool {
	if os.Getenv(variable) == "" {
		return false
	}
	os.Unsetenv(variable)
	// The component's own children (it has none today) must not hold the pipe.
	syscall.CloseOnExec(descriptor)
	pipe := os.NewFile(descriptor, "lifeline")
	go func() {
		var b [1]byte
		for {
			if n, err := pipe.Read(b[:]); n == 0 && err != nil {
				gone()
				return
			}
		}
	}()
	return true
}
