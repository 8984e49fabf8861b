package faults

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// window is how many bytes a connection in memory holds that the other end has not read, as the buffers
// of a TCP connection do. (net.Pipe holds none. A client whose write waits may wait under a lock, and
// that stops synctest's clock.)
const window = 1 << 20

// pipe returns the two ends of a connection in memory.
func pipe() (client, server *memoryConn) {
	up, down := newStream(), newStream()
	end := func(in, out *byteStream) *memoryConn {
		return &memoryConn{in: in, out: out, closed: make(chan struct{})}
	}
	return end(down, up), end(up, down)
}

// memoryConn is an end of a connection in memory.
type memoryConn struct {
	in, out *byteStream
	once    sync.Once
	closed  chan struct{} // closed by Close
}

func (c *memoryConn) Read(p []byte) (int, error)  { return c.in.read(p) }
func (c *memoryConn) Write(p []byte) (int, error) { return c.out.write(p) }

func (c *memoryConn) Close() error {
	defer c.once.Do(func() { close(c.closed) })
	c.in.end(net.ErrClosed, syscall.EPIPE)
	c.out.end(nil, net.ErrClosed)
	return nil
}

func (c *memoryConn) hasClosed() bool {
	select {
	case <-c.closed:
		return true
	default:
		return false
	}
}

// reset closes the connection so that the other end reads an error.
func (c *memoryConn) reset() {
	c.in.end(net.ErrClosed, syscall.ECONNRESET)
	c.out.end(syscall.ECONNRESET, net.ErrClosed)
}

func (c *memoryConn) LocalAddr() net.Addr  { return memoryAddr }
func (c *memoryConn) RemoteAddr() net.Addr { return memoryAddr }

var memoryAddr = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443}

func (c *memoryConn) SetDeadline(t time.Time) error {
	_ = c.SetReadDeadline(t)
	return c.SetWriteDeadline(t)
}
func (c *memoryConn) SetReadDeadline(t time.Time) error {
	c.in.setDeadline(&c.in.readBy, t)
	return nil
}
func (c *memoryConn) SetWriteDeadline(t time.Time) error {
	c.out.setDeadline(&c.out.writeBy, t)
	return nil
}

// byteStream is one direction of a connection.
type byteStream struct {
	mu      sync.Mutex
	changed *sync.Cond // waiting for it lets synctest's clock run

	held     []byte // written and not read
	readErr  error  // what a read returns once it is set; io.EOF comes after what is held
	writeErr error  // what a write returns once it is set
	readBy   deadline
	writeBy  deadline
}

type deadline struct {
	at    time.Time
	timer *time.Timer
}

func (d *deadline) passed() bool { return !d.at.IsZero() && !time.Now().Before(d.at) }

func newStream() *byteStream {
	s := new(byteStream)
	s.changed = sync.NewCond(&s.mu)
	return s
}

func (s *byteStream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.readErr != nil && s.readErr != io.EOF:
			return 0, opError("read", s.readErr)
		case s.readBy.passed():
			return 0, opError("read", os.ErrDeadlineExceeded)
		case len(s.held) > 0 || len(p) == 0:
			n := copy(p, s.held)
			if s.held = s.held[n:]; len(s.held) == 0 {
				s.held = nil
			}
			s.changed.Broadcast()
			return n, nil
		case s.readErr != nil:
			return 0, io.EOF
		}
		s.changed.Wait()
	}
}

func (s *byteStream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		switch {
		case s.writeErr != nil:
			return n, opError("write", s.writeErr)
		case s.writeBy.passed():
			return n, opError("write", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return n, nil
		}
		if room := min(window-len(s.held), len(p)); room > 0 {
			s.held = append(s.held, p[:room]...)
			p, n = p[room:], n+room
			s.changed.Broadcast()
			continue
		}
		s.changed.Wait()
	}
}

// end ends the stream: reads return readErr, or what is held and then io.EOF if it is nil, and writes
// return writeErr. What ended it first stays.
func (s *byteStream) end(readErr, writeErr error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if readErr == nil {
		readErr = io.EOF
	} else {
		s.held = nil
	}
	if s.readErr == nil || s.readErr == io.EOF {
		s.readErr = readErr
	}
	if s.writeErr == nil {
		s.writeErr = writeErr
	}
	s.changed.Broadcast()
}

func (s *byteStream) setDeadline(d *deadline, t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
	d.at = t
	if !t.IsZero() && !d.passed() {
		d.timer = time.AfterFunc(time.Until(t), s.changed.Broadcast)
	}
	s.changed.Broadcast()
}

// opError returns an error as a TCP connection has it.
func opError(op string, err error) error {
	if errno, ok := err.(syscall.Errno); ok {
		err = os.NewSyscallError(op, errno)
	}
	return &net.OpError{Op: op, Net: "tcp", Source: memoryAddr, Addr: memoryAddr, Err: err}
}
