// Package ports reserves a loopback port for a process that is yet to start, and keeps it while
// that process is down.
//
// Finding a free port by listening on it, closing it and telling a child its number leaves a
// moment in which anybody may take it, and a restarted server has the same moment again: a client
// that dials the empty port may even be given it as its own source port and then talk to itself.
// A Reservation has no such moment: it stays bound, without listening, for as long as the port is
// wanted. The server binds beside it with SO_REUSEPORT (kube-apiserver: --permit-port-sharing).
// While the server is down a client is refused, as if nothing were bound.
package ports

import (
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Loopback is the only address that devcluster ever binds.
var Loopback = netip.AddrFrom4([4]byte{127, 0, 0, 1})

// Reservation holds one TCP port of 127.0.0.1 until it is closed.
type Reservation struct {
	fd   int
	port uint16
}

// Reserve holds the given port, or any free one when port is 0. It fails when somebody has it,
// another Reservation included.
func Reserve(port uint16) (*Reservation, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, fmt.Errorf("reserve a port: open a socket: %w", err)
	}
	unix.CloseOnExec(fd)
	r := &Reservation{fd: fd}
	// Bound without SO_REUSEPORT, so that a port somebody else shares is a conflict; set
	// afterwards, because the kernel compares the flags as they are when the server binds.
	if err := unix.Bind(fd, &unix.SockaddrInet4{Port: int(port), Addr: Loopback.As4()}); err != nil {
		r.Close()
		return nil, fmt.Errorf("reserve %s: %w", netip.AddrPortFrom(Loopback, port), err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		r.Close()
		return nil, fmt.Errorf("share the reserved port: %w", err)
	}
	bound, err := unix.Getsockname(fd)
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("ask for the reserved port's number: %w", err)
	}
	r.port = uint16(bound.(*unix.SockaddrInet4).Port)
	return r, nil
}

// Port is the reserved port's number.
func (r *Reservation) Port() uint16 { return r.port }

// Addr is the reserved address, as 127.0.0.1:port.
func (r *Reservation) Addr() netip.AddrPort { return netip.AddrPortFrom(Loopback, r.port) }

// Close gives the port back. A server that is bound beside it keeps serving.
func (r *Reservation) Close() error { return unix.Close(r.fd) }
