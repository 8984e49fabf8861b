// Package lifeline ends a process when the process that started it is gone, however it went.
//
// The parent keeps the writing end of a pipe that nobody ever writes to and hands the reading end
// to each child. The kernel closes the writing end with the parent, SIGKILL included, and every
// child reads EOF:
//
//	line, _ := lifeline.New()
//	cmd.ExtraFiles = []*os.File{line.File()}      // file descriptor 3 of the child
//	cmd.Env = append(os.Environ(), lifeline.Env)
//
// and first thing in the child:
//
//	held := lifeline.Attach(func() { os.Exit(1) })
package lifeline

import (
	"fmt"
	"os"
	"syscall"
)

// variable names the environment variable that tells a process that descriptor 3 is its lifeline.
const variable = "SKIFF_DEVCLUSTER_LIFELINE"

// Env is the line that a child's environment needs, beside the lifeline as its descriptor 3.
const Env = variable + "=3"

// descriptor is where the child finds the pipe: the first of exec.Cmd's ExtraFiles.
const descriptor = 3

// Line is the parent's side. It must stay reachable for as long as the children are to live: the
// garbage collector closes the pipe of a Line that nobody holds.
type Line struct {
	read, write *os.File
}

// New makes a lifeline. Only a lack of file descriptors makes it fail.
func New() (*Line, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the pipe that ends the components with this process: %w", err)
	}
	return &Line{read: read, write: write}, nil
}

// File is the end to hand to a child as its descriptor 3. It stays the Line's.
func (l *Line) File() *os.File { return l.read }

// Cut ends every process that holds the line.
func (l *Line) Cut() {
	l.write.Close()
	l.read.Close()
}

// Attach looks whether this process was started with a lifeline, takes the variable out of the
// environment so that it goes no further, and calls gone from a goroutine of its own once the
// parent is gone. It says whether there is a lifeline at all: a program that somebody runs by hand
// under the name etcd has none, and is not to be ended by anyone's pipe.
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
