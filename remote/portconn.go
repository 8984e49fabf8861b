package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
	"github.com/skiff-k8s/skiff/rest"
)

const (
	// protocolForward tunnels the SPDY protocol portforward.k8s.io (KEP-4006).
	protocolForward = "SPDY/3.1+portforward.k8s.io"
	// versionForward is the first version of Kubernetes that has it without a feature gate.
	versionForward = "1.31"

	streamError = 1 // the text of an error of the kubelet
	streamData  = 3

	// maxErrorText limits the text of an error.
	maxErrorText = 4 << 10
)

// PortError is the error of a connection that the kubelet could not make, or that broke behind it:
// nothing listens on the port, for example.
type PortError struct {
	Port uint16 // of the pod
	Text string // what the kubelet says
	what string
}

// Error returns the pod, the port and what the kubelet says.
func (e *PortError) Error() string { return e.what + ": " + e.Text }

// DialPort connects to a port of a pod. The returned connection is a net.Conn that can also be
// closed for writing: it has a method CloseWrite, as *net.TCPConn has.
//
// ctx ends the dialing, and not the connection. DialPort returns when the API server has reached the
// kubelet. If nothing listens on the port, the first Read returns a [*PortError].
//
// The connection has a WebSocket connection of its own, so that it waits for no other. Whoever does
// not read it holds up the process in the pod. A Write that misses its deadline breaks the
// connection. Close waits up to 5 seconds for the server.
//
// The errors are a StatusError, if the server refuses the request (the pod does not exist or does
// not run, the user may not: verbs get and, since Kubernetes 1.35, create of pods/portforward); an
// error that wraps ctx's; [*VersionError], if the server is older than Kubernetes 1.31; and a
// *kind.MisuseError, if an argument is missing.
func DialPort(
	ctx context.Context, c *rest.Client, namespace, pod string, port uint16,
) (net.Conn, error) {
	p, err := podOf("forward a port of", c, namespace, pod)
	if err != nil {
		return nil, err
	}
	if port == 0 {
		return nil, misuse("forward a port of", pod, "the port is 0")
	}
	conn, err := p.dial(ctx, port)
	if err != nil {
		return nil, err // not a *portConn that is nil
	}
	return conn, nil
}

// tunnel opens a connection to the pod's kubelet.
func (p pod) tunnel(ctx context.Context) (*socket, error) {
	// The connection outlives ctx.
	life, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { cancel(ctxerr.Of(ctx)) })
	sock, _, err := connect(life, p.get("portforward"), protocolForward)
	if !stop() || err != nil {
		if err == nil {
			sock.close()
		}
		cancel(nil)
		if ctx.Err() != nil {
			return nil, fmt.Errorf("forward a port of %s: %w", p, ctxerr.Of(ctx))
		}
		return nil, refused(ctx, p.client, "forward a port of "+p.String(), versionForward, maybeOld, err)
	}
	return sock, nil
}

// dial connects to a port of the pod.
func (p pod) dial(ctx context.Context, port uint16) (*portConn, error) {
	sock, err := p.tunnel(ctx)
	if err != nil {
		return nil, err
	}
	c := &portConn{
		pod: p, port: port, socket: sock,
		pieces: make(chan []byte), closed: make(chan struct{}), failed: make(chan struct{}),
	}
	c.readBy = newDeadline(func() {})
	c.writeBy = newDeadline(c.missWrite)
	if err := c.open(); err != nil {
		sock.close()
		return nil, p.client.Redact(fmt.Errorf("%s: %w", c.what(), err))
	}
	c.running.Go(sock.keepAlive)
	c.running.Go(c.receive)
	return c, nil
}

// portConn is a forwarded connection.
type portConn struct {
	pod     pod
	port    uint16
	socket  *socket
	running sync.WaitGroup
	closing sync.Once
	closed  chan struct{} // by Close

	pieces  chan []byte // of the data stream, from receive to Read; closed at its end
	end     error       // why it ended; set before that
	failed  chan struct{}
	reading sync.Mutex // guards rest
	rest    []byte     // what is left of a piece
	readBy  *deadline

	writing sync.Mutex // held by a Write
	frame   []byte     // guarded by writing
	shut    bool       // guarded by writing: by CloseWrite
	writeBy *deadline
}

func (c *portConn) what() string {
	return fmt.Sprintf("forward port %d of %s", c.port, c.pod)
}

// open opens the two streams. Source: k8s.io/cri-streaming/pkg/streaming/portforward.
func (c *portConn) open() error {
	var w spdyWriter
	port := strconv.Itoa(int(c.port))
	b := w.synStream(nil, streamError, spdyFin, "port", port, "requestid", "0", "streamtype", "error")
	b = w.synStream(b, streamData, 0, "port", port, "requestid", "0", "streamtype", "data")
	return c.socket.send(b)
}

// receive reads frames until the connection ends.
func (c *portConn) receive() {
	err := c.frames(bufio.NewReader(&messages{socket: c.socket}))
	c.finish(err)
	close(c.failed)
}

// finish ends the data stream for Read. Only the first call counts.
func (c *portConn) finish(err error) {
	if c.end != nil {
		return
	}
	if err != io.EOF {
		if errors.Is(err, errClosed) {
			err = fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
		}
		if !errors.As(err, new(*PortError)) {
			err = fmt.Errorf("%s: %w", c.what(), err)
		}
		err = c.pod.client.Redact(err)
	}
	c.end = err
	close(c.pieces)
}

// frames reads frames, and returns why it cannot go on.
func (c *portConn) frames(r *bufio.Reader) error {
	var text strings.Builder // of the error stream
	// Two buffers, by turns: when the second is taken, the first has been read.
	bufs := [2][]byte{make([]byte, maxPiece), make([]byte, maxPiece)}
	for turn := 0; ; {
		f, err := readSPDY(r)
		if err != nil {
			return err
		}
		switch {
		case f.control && f.kind == spdyPing && f.id%2 == 0: // the server's
			answer := appendControl(nil, spdyPing, 0, []byte{
				byte(f.id >> 24), byte(f.id >> 16), byte(f.id >> 8), byte(f.id)})
			if err := c.socket.send(answer); err != nil {
				return err
			}
		case f.control && f.kind == spdyGoAway:
			return errors.New("the kubelet ended the connection")
		case f.control && f.kind == spdyRstStream && f.id == streamData:
			return c.broken(text.String())
		case f.control && f.kind == spdySynStream:
			return errors.New("the kubelet opened a stream, which the protocol does not have")
		case !f.control && f.id == streamError:
			if err := keepText(&text, io.LimitReader(r, f.length)); err != nil {
				return err
			}
		case !f.control && f.id == streamData:
			for left := f.length; left > 0; turn = 1 - turn {
				piece := bufs[turn][:min(left, maxPiece)]
				n, err := r.Read(piece)
				if err != nil {
					return err
				}
				if left -= int64(n); !c.pass(piece[:n]) {
					return net.ErrClosed
				}
			}
		case !f.control:
			return fmt.Errorf("data of stream %d, which does not exist", f.id)
		}
		if f.fin && f.id == streamData && (!f.control || f.kind == spdySynReply) {
			if text.Len() > 0 {
				return c.broken(text.String())
			}
			c.finish(io.EOF) // pings are still answered while the other direction is open
		}
	}
}

// keepText adds the beginning of a text.
func keepText(text *strings.Builder, r io.Reader) error {
	data, err := io.ReadAll(io.LimitReader(r, int64(maxErrorText-text.Len())))
	text.Write(data)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
	}
	return err
}

// broken returns the error of a data stream that the kubelet has reset.
func (c *portConn) broken(text string) error {
	if text == "" {
		text = "the kubelet broke the connection"
	}
	text = strings.TrimSpace(strings.ToValidUTF8(text, "?"))
	text = c.pod.client.Redact(errors.New(text)).Error()
	return &PortError{Port: c.port, Text: text, what: c.what()}
}

// pass hands a piece to Read. It reports false if the connection was closed.
func (c *portConn) pass(piece []byte) bool {
	if c.end != nil {
		return true // after its end
	}
	select {
	case c.pieces <- piece:
		return true
	case <-c.closed:
		return false
	}
}

// Read reads what the pod sends. After its end it returns io.EOF.
func (c *portConn) Read(p []byte) (int, error) {
	c.reading.Lock()
	defer c.reading.Unlock()
	switch {
	case isClosed(c.closed):
		return 0, c.op("read", net.ErrClosed)
	case isClosed(c.readBy.over()):
		return 0, c.op("read", os.ErrDeadlineExceeded)
	case len(p) == 0:
		return 0, nil
	}
	if len(c.rest) == 0 {
		select {
		case piece, ok := <-c.pieces:
			if !ok {
				return 0, c.end
			}
			c.rest = piece
		case <-c.readBy.over():
			return 0, c.op("read", os.ErrDeadlineExceeded)
		case <-c.closed:
			return 0, c.op("read", net.ErrClosed)
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// Write sends to the pod.
func (c *portConn) Write(p []byte) (n int, err error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	for len(p) > 0 {
		piece := p[:min(len(p), maxPiece)]
		if err := c.send(0, piece); err != nil {
			return n, err
		}
		n += len(piece)
		p = p[len(piece):]
	}
	return n, nil
}

// send sends one frame. Its caller holds writing.
func (c *portConn) send(flags byte, piece []byte) error {
	switch {
	case isClosed(c.closed), c.shut:
		return c.op("write", net.ErrClosed)
	case isClosed(c.writeBy.over()):
		return c.op("write", os.ErrDeadlineExceeded)
	case isClosed(c.failed):
		return c.op("write", io.ErrClosedPipe)
	}
	c.frame = appendData(c.frame[:0], streamData, flags, piece)
	if err := c.socket.send(c.frame); err != nil {
		if isClosed(c.closed) {
			err = net.ErrClosed
		}
		return c.op("write", err)
	}
	return nil
}

// missWrite is called when the deadline of writing is over. It breaks a connection on which a Write
// waits.
func (c *portConn) missWrite() {
	if c.writing.TryLock() {
		c.writing.Unlock()
		return
	}
	c.socket.end(os.ErrDeadlineExceeded)
}

// CloseWrite tells the pod that nothing more is sent to it.
func (c *portConn) CloseWrite() error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.shut {
		return nil
	}
	err := c.send(spdyFin, nil)
	c.shut = true
	return err
}

// Close ends the connection.
func (c *portConn) Close() error {
	c.closing.Do(func() {
		close(c.closed)
		c.socket.shut()
		c.running.Wait()
	})
	return nil
}

// op returns an error as package net has it.
func (c *portConn) op(verb string, err error) error {
	return c.pod.client.Redact(&net.OpError{Op: verb, Net: c.RemoteAddr().Network(), Addr: c.RemoteAddr(), Err: err})
}

// LocalAddr returns an address without a meaning.
func (c *portConn) LocalAddr() net.Addr { return portAddr("") }

// RemoteAddr returns the pod and the port.
func (c *portConn) RemoteAddr() net.Addr {
	return portAddr(fmt.Sprintf("%s/%s:%d", c.pod.namespace, c.pod.name, c.port))
}

// SetDeadline sets both deadlines.
func (c *portConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline sets the deadline of Read.
func (c *portConn) SetReadDeadline(t time.Time) error {
	c.readBy.set(t)
	return nil
}

// SetWriteDeadline sets the deadline of Write.
func (c *portConn) SetWriteDeadline(t time.Time) error {
	c.writeBy.set(t)
	return nil
}

// portAddr is the address of a port of a pod.
type portAddr string

func (portAddr) Network() string  { return "pod" }
func (a portAddr) String() string { return string(a) }
