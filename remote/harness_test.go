package remote

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/skiff-k8s/skiff/rest"
)

// memory is a network in memory between a client and one HTTP server, for synctest's clock.
type memory struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.closed:
		return nil, net.ErrClosed
	}
}
func (m *memory) Close() error   { m.once.Do(func() { close(m.closed) }); return nil }
func (m *memory) Addr() net.Addr { return &net.TCPAddr{} }

func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case m.conns <- theirs:
		return ours, nil
	case <-m.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// count counts what is under way. It is no WaitGroup, because something may begin while none waits.
type count struct {
	changed sync.Cond
	n       int
}

func newCount() *count { return &count{changed: sync.Cond{L: new(sync.Mutex)}} }

func (c *count) add(n int) {
	c.changed.L.Lock()
	defer c.changed.L.Unlock()
	c.n += n
	c.changed.Broadcast()
}

// none waits until nothing is under way.
func (c *count) none() {
	c.changed.L.Lock()
	defer c.changed.L.Unlock()
	for c.n > 0 {
		c.changed.Wait()
	}
}

// apiServer serves handler in memory until the test ends, and returns a client of it. The test ends
// only when every handler has returned, so that none is forgotten.
func apiServer(t testing.TB, handler http.HandlerFunc, change ...func(*rest.Config)) *rest.Client {
	t.Helper()
	network := &memory{conns: make(chan net.Conn), closed: make(chan struct{})}
	handlers := newCount()
	quiet := slog.New(slog.DiscardHandler)
	server := &http.Server{
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0),
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			handlers.add(1)
			defer handlers.add(-1)
			handler(w, r)
		}),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(network) }()
	cfg := &rest.Config{Host: "http://127.0.0.1", Dial: network.dial, Logger: quiet, BearerToken: "my-own-token"}
	for _, f := range change {
		f(cfg)
	}
	c, err := rest.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		handlers.none()
		c.CloseIdleConnections()
		server.Close()
		<-served
	})
	return c
}

// peer is the server's side of a WebSocket connection. It knows frames and nothing else, so that it
// can break every rule.
type peer struct {
	net.Conn
	r        *bufio.Reader
	request  *http.Request
	protocol string
	out      chan []byte   // to be written; so that any goroutine may write, and none waits
	written  chan struct{} // closed when all is
}

// Write queues bytes to be written.
func (p *peer) Write(b []byte) (int, error) {
	p.out <- slices.Clone(b)
	return len(b), nil
}

// Close closes the connection when all is written, or the client has closed it.
func (p *peer) Close() error {
	close(p.out)
	<-p.written
	return p.Conn.Close()
}

// upgrade answers a WebSocket handshake with the first of protocols that the client offers.
func upgrade(t testing.TB, w http.ResponseWriter, r *http.Request, protocols ...string) *peer {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		t.Error(err)
		panic(http.ErrAbortHandler)
	}
	p := &peer{Conn: conn, r: rw.Reader, request: r, out: make(chan []byte, 1<<16), written: make(chan struct{})}
	for offered := range strings.SplitSeq(r.Header.Get("Sec-Websocket-Protocol"), ",") {
		if slices.Contains(protocols, strings.TrimSpace(offered)) {
			p.protocol = strings.TrimSpace(offered)
			break
		}
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	head := "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n"
	if p.protocol != "" {
		head += "Sec-WebSocket-Protocol: " + p.protocol + "\r\n"
	}
	io.WriteString(conn, head+"\r\n")
	go func() {
		defer close(p.written)
		for b := range p.out {
			conn.Write(b)
		}
	}()
	return p
}

// The opcodes of RFC 6455 section 5.2.
const (
	opContinue = 0
	opText     = 1
	opBinary   = 2
	opClose    = 8
	opPing     = 9
	opPong     = 10
)

// frame returns a frame of a server.
func frame(op byte, final bool, payload []byte) []byte {
	b := []byte{op, 0}
	if final {
		b[0] |= 0x80
	}
	switch n := len(payload); {
	case n < 126:
		b[1] = byte(n)
	case n < 1<<16:
		b[1] = 126
		b = binary.BigEndian.AppendUint16(b, uint16(n))
	default:
		b[1] = 127
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return append(b, payload...)
}

// say sends a message on a channel.
func (p *peer) say(channel byte, text string) error {
	_, err := p.Write(frame(opBinary, true, append([]byte{channel}, text...)))
	return err
}

func (p *peer) sayClose(code uint16, reason string) {
	p.Write(frame(opClose, true, append(binary.BigEndian.AppendUint16(nil, code), reason...)))
}

// hear returns the next frame of the client.
func (p *peer) hear() (op byte, payload []byte, err error) {
	var head [2]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return 0, nil, err
	}
	n := uint64(head[1] & 0x7f)
	switch n {
	case 126:
		var b [2]byte
		io.ReadFull(p.r, b[:])
		n = uint64(binary.BigEndian.Uint16(b[:]))
	case 127:
		var b [8]byte
		io.ReadFull(p.r, b[:])
		n = binary.BigEndian.Uint64(b[:])
	}
	var mask [4]byte
	io.ReadFull(p.r, mask[:])
	payload = make([]byte, n)
	if _, err := io.ReadFull(p.r, payload); err != nil {
		return 0, nil, err
	}
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return head[0] & 0xf, payload, nil
}

// hearMessage returns the next message, and answers pings meanwhile.
func (p *peer) hearMessage() ([]byte, error) {
	for {
		op, payload, err := p.hear()
		switch {
		case err != nil:
			return nil, err
		case op == opPing:
			p.Write(frame(opPong, true, payload))
		case op == opBinary:
			return payload, nil
		case op == opClose:
			return nil, io.EOF
		}
	}
}

// gone reads until the client has closed the connection.
func (p *peer) gone() {
	for {
		if _, _, err := p.hear(); err != nil {
			return
		}
	}
}

const success = `{"metadata":{},"status":"Success"}`

func exited(code string) string {
	return `{"metadata":{},"status":"Failure","reason":"NonZeroExitCode","message":"command terminated with non-zero exit code",` +
		`"details":{"causes":[{"reason":"ExitCode","message":"` + code + `"}]}}`
}
