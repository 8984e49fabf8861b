package ports

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// listen binds as a server with port sharing does.
func listen(t *testing.T, addr string) (net.Listener, error) {
	t.Helper()
	config := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		return errors.Join(err, set)
	}}
	return config.Listen(context.Background(), "tcp", addr)
}

func TestTheServerBindsBesideItsReservation(t *testing.T) {
	r, err := Reserve(0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 2 { // the second round is the restarted server
		server, err := listen(t, r.Addr().String())
		if err != nil {
			t.Fatalf("bind the reserved port: %v", err)
		}
		conn, err := net.Dial("tcp", r.Addr().String())
		if err != nil {
			t.Fatalf("dial the server on the reserved port: %v", err)
		}
		conn.Close()
		server.Close()
	}
}

func TestAReservedPortRefusesClients(t *testing.T) {
	r, err := Reserve(0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := net.Dial("tcp", r.Addr().String()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("dial a reserved port that nobody serves: %v, want connection refused", err)
	}
}

func TestNobodyElseGetsAReservedPort(t *testing.T) {
	r, err := Reserve(0)
	if err != nil {
		t.Fatal(err)
	}
	if second, err := Reserve(r.Port()); err == nil {
		second.Close()
		t.Error("a second reservation of the same port succeeded")
	} else if !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a second reservation: %v, want address in use", err)
	}
	if plain, err := net.Listen("tcp", r.Addr().String()); err == nil {
		plain.Close()
		t.Error("a listener without port sharing took the reserved port")
	}
	r.Close()
	again, err := Reserve(r.Port())
	if err != nil {
		t.Fatalf("reserve a port that was given back: %v", err)
	}
	again.Close()
}
