// Package ports reserves a loopback port for a process before it starts and while it is down.
//
// The usual way to find a free port is to listen on it, close it, and pass its number to a child.
// Between these steps another process can take the port, and again at each restart of the server. A
// client that dials the free port may even get it as its own source port and be connected to
// itself.
//
// A Reservation avoids this: it stays bound, without listening, until it is closed. The server
// binds the same port with SO_REUSEPORT (kube-apiserver: --permit-port-sharing). While the server
// is down, connections are refused, as if nothing were bound.
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

// Reserve reserves the given port; 0 means any free port. It returns an error if the port is in
// use, also by another Reservation.
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

// Port returns the reserved port's number.
func (r *Reservation) Port() uint16 { return r.port }

// Addr returns the reserved address, 127.0.0.1:port.
func (r *Reservation) Addr() netip.AddrPort { return netip.AddrPortFrom(Loopback, r.port) }

// Close releases the port. A server that is bound to it keeps serving.
func (r *Reservation) Close() error { return unix.Close(r.fd) }
