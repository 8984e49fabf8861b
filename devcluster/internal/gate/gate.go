// Package gate holds a component between its package initialization and its main function.
//
// The initialization of this binary takes a tenth of a second, because Kubernetes is in it. A
// component that is started early does that while another one gets ready, and begins with its work
// when the parent opens its gate:
//
//	g, _ := gate.New()
//	cmd.ExtraFiles = []*os.File{…, …, g.File()}   // file descriptor 5 of the child
//	g.Open(gate.Plain)
//
// and at the beginning of the child:
//
//	way, err := gate.Pass()
package gate

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Way is how a component is to begin. It is decided when the gate opens, not when the process
// starts.
type Way byte

const (
	Plain  Way = 'p' // as the program begins anywhere
	Seeded Way = 's' // etcd has the seed's objects already, see package seed
)

// descriptor is the child's descriptor of the pipe: the third of exec.Cmd's ExtraFiles.
const descriptor = 5

// Gate is the parent's side, for one child.
type Gate struct {
	read, write *os.File
}

// New makes a closed gate. It returns an error only if the process has no free file descriptors.
func New() (*Gate, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the pipe that holds a component: %w", err)
	}
	return &Gate{read: read, write: write}, nil
}

// File returns the end to pass to the child as its descriptor 5. The Gate still owns it.
func (g *Gate) File() *os.File { return g.read }

// Open lets the child begin. If the child has ended, Open does nothing.
func (g *Gate) Open(way Way) { g.write.Write([]byte{byte(way)}) }

// Close releases the pipe. A child that still waits ends.
func (g *Gate) Close() {
	g.read.Close()
	g.write.Close()
}

// Pass waits in the child until the parent opens the gate. It returns an error if the parent has
// closed it or ended.
func Pass() (Way, error) {
	pipe := os.NewFile(descriptor, "gate")
	if pipe == nil {
		return 0, errors.New("wait for devcluster: there is no gate")
	}
	defer pipe.Close()
	var b [1]byte
	if _, err := io.ReadFull(pipe, b[:]); err != nil {
		return 0, fmt.Errorf("wait for devcluster: %w", err)
	}
	return Way(b[0]), nil
}
