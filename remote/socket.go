package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/skiff-k8s/skiff/internal/ctxerr"
	"github.com/skiff-k8s/skiff/rest"
)

const (
	// pingInterval keeps proxies and load balancers from closing a quiet connection. Most wait a
	// minute or longer. It is the interval of package rest for HTTP/2.
	pingInterval = 30 * time.Second
	// pongTimeout is the time to wait for the answer to a ping.
	pongTimeout = 15 * time.Second
	// writeTimeout limits one write while the other side takes nothing: when a process does not
	// read its standard input, and all buffers on the way are full.
	writeTimeout = 5 * time.Minute
	// maxPiece is how many bytes are sent in one message. Servers limit messages: the kubelet's
	// and the API server's library to 32 MB.
	maxPiece = 32 << 10
)

// errSilent is the end of a connection whose other end has disappeared.
var errSilent = fmt.Errorf("the server did not answer a ping within %s", pongTimeout)

// errStuck is the end of a connection whose other end does not read.
var errStuck = fmt.Errorf("the server took nothing for %s", writeTimeout)

// socket is a WebSocket connection to an API server. next and the readers that it returns are for
// one goroutine. The other methods are safe for concurrent use.
type socket struct {
	conn *websocket.Conn
	ctx  context.Context // the caller's
	life context.Context // of ctx; its end closes the connection; its cause is the reason
	end  context.CancelCauseFunc

	waiting atomic.Int64 // when the read began that is under way, in nanoseconds; 0 if none is
	sent    atomic.Int64 // the number of messages sent
}

// connect opens a WebSocket connection for r and returns it with the protocol that the server
// chose. ctx ends the connection. r's client carries the handshake, so that TLS, proxies,
// credentials, retries and errors are those of package rest.
func connect(ctx context.Context, r *rest.Request, protocols ...string) (*socket, string, error) {
	shake := &handshake{request: r}
	conn, _, err := websocket.Dial(ctx, "http://api.server", &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: shake},
		Subprotocols: protocols,
	})
	switch {
	case shake.err != nil:
		return nil, "", shake.err
	case err != nil:
		return nil, "", &refusedError{err}
	}
	chosen := conn.Subprotocol()
	if chosen == "" {
		_ = conn.CloseNow()
		return nil, "", &refusedError{errors.New("the server chose no protocol")}
	}
	conn.SetReadLimit(-1) // messages are passed on in pieces
	s := &socket{conn: conn, ctx: ctx}
	s.life, s.end = context.WithCancelCause(ctx)
	return s, chosen, nil
}

// handshake sends the request of a WebSocket handshake through a client of package rest. The URL of
// the request that it gets is not used.
type handshake struct {
	request *rest.Request
	err     error
}

func (h *handshake) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := h.request.Upgrade(req.Context(), req.Header)
	h.err = err
	return resp, err
}

// next waits for the next message and returns a reader of it. The message must be read to its end
// before the next call.
func (s *socket) next() (io.Reader, error) {
	var kind websocket.MessageType
	var r io.Reader
	err := s.await(func() (err error) {
		kind, r, err = s.conn.Reader(s.life)
		return err
	})
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageBinary {
		return nil, errors.New("the server sent a text message, and the protocol has none")
	}
	return &message{socket: s, r: r}, nil
}

// message reads one message.
type message struct {
	socket *socket
	r      io.Reader
}

func (m *message) Read(p []byte) (n int, err error) {
	err = m.socket.await(func() (err error) {
		n, err = m.r.Read(p)
		return err
	})
	return n, err
}

// await calls read, which waits for the server.
func (s *socket) await(read func() error) error {
	s.waiting.Store(time.Now().UnixNano())
	err := read()
	s.waiting.Store(0)
	if err != nil && err != io.EOF {
		return s.explain(err)
	}
	return err
}

// send sends one message. Concurrent messages are not mixed.
func (s *socket) send(p []byte) error {
	s.sent.Add(1)
	defer time.AfterFunc(writeTimeout, func() { s.end(errStuck) }).Stop()
	if err := s.conn.Write(s.life, websocket.MessageBinary, p); err != nil {
		return s.explain(err)
	}
	return nil
}

// keepAlive pings the server until the connection ends, and ends it if the server has disappeared:
// if it answers no ping while nothing else arrives either.
//
// A server that passes standard input on to a process that does not read stops reading, and
// answers no ping. So a ping counts only if nothing was sent since the last answered one. Then TCP
// finds out about a server that has disappeared, because it has bytes to deliver.
func (s *socket) keepAlive() {
	tick := time.NewTicker(pingInterval)
	defer tick.Stop()
	var answered int64
	for {
		select {
		case <-s.life.Done():
			return
		case <-tick.C:
		}
		before := s.sent.Load()
		ctx, cancel := context.WithTimeout(s.life, pongTimeout)
		err := s.conn.Ping(ctx)
		cancel()
		since := s.waiting.Load()
		switch {
		case err == nil:
			answered = before
		case s.life.Err() != nil:
			return
		case s.sent.Load() == answered && since != 0 &&
			time.Since(time.Unix(0, since)) >= pongTimeout:
			s.end(errSilent)
			return
		}
	}
}

// explain returns the reason for an error of the connection.
func (s *socket) explain(err error) error {
	if s.ctx.Err() != nil {
		return ctxerr.Of(s.ctx)
	}
	if s.life.Err() != nil {
		return context.Cause(s.life)
	}
	var closed websocket.CloseError
	switch {
	case errors.As(err, &closed) && closed.Code == websocket.StatusNormalClosure,
		errors.As(err, &closed) && closed.Code == websocket.StatusNoStatusRcvd:
		return errClosed
	case errors.As(err, &closed):
		return fmt.Errorf("the server closed the connection: %s", reason(closed))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the connection broke: %w", io.ErrUnexpectedEOF)
	case errors.Is(err, net.ErrClosed):
		return fmt.Errorf("the connection broke: %w", net.ErrClosed)
	}
	return err
}

// errClosed is the orderly end of a connection.
var errClosed = errors.New("the server closed the connection")

// reason returns why the server closed the connection.
func reason(e websocket.CloseError) string {
	text := strings.ToValidUTF8(e.Reason, "?")
	if text == "" {
		return fmt.Sprintf("code %d", e.Code)
	}
	return fmt.Sprintf("code %d, %s", e.Code, text)
}

// close ends the connection without waiting for the server.
func (s *socket) close() {
	s.end(nil)
	_ = s.conn.CloseNow()
}

// shut ends the connection in good order: what was sent arrives first. It waits up to 5 seconds for
// the server.
func (s *socket) shut() {
	_ = s.conn.Close(websocket.StatusNormalClosure, "")
	s.close()
}

// messages reads all messages of a socket as one stream of bytes.
type messages struct {
	socket  *socket
	message io.Reader // nil between two
}

func (m *messages) Read(p []byte) (int, error) {
	for {
		if m.message == nil {
			message, err := m.socket.next()
			if err != nil {
				return 0, err
			}
			m.message = message
		}
		n, err := m.message.Read(p)
		if err == io.EOF {
			m.message, err = nil, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}
