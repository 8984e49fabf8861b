package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/skiff-k8s/skiff/wire"
)

// ErrStreamClosed is the error of reading a stream after its Close.
var ErrStreamClosed = errors.New("rest: stream closed")

// body is the body of an answer, as it arrives. One goroutine reads it. Close may be called from
// any goroutine, and more than once.
type body struct {
	call   *call
	ctx    context.Context // the caller's
	cancel context.CancelFunc
	resp   *http.Response
	close  func() error // once: closes the body, returns the same error ever after
	closed chan struct{}
	err    error // the error that ended a ListStream or WatchStream; of the reading goroutine
}

// open sends the call and returns the body of a 2xx answer. If ctx ends, reading the body fails.
func (c *call) open(ctx context.Context) (*body, error) {
	g := newGuard(ctx)
	cancel := func() { g.cancel(nil) }
	b := &body{call: c, ctx: ctx, cancel: cancel, closed: make(chan struct{})}
	began := time.Now()
	over := overTotal(c.bounds.total)
	timer := g.within(c.bounds.total, over)
	err := c.run(g.ctx, func(resp *http.Response) error {
		b.resp = resp
		return nil
	})
	timer.Stop()
	if err != nil {
		cancel()
		return nil, err
	}
	if timed, ok := b.resp.Body.(*timedBody); ok && c.purpose == list && c.bounds.total > 0 {
		timed.left, timed.over = max(c.bounds.total-time.Since(began), 1), over
	}
	b.close = sync.OnceValue(func() error {
		close(b.closed)
		cancel() // first, so that a read under way does not hold up Close
		err := b.resp.Body.Close()
		c.meter.end()
		return err
	})
	return b, nil
}

// Read reads the body. Its errors name the request.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.resp.Body.Read(p)
	if err != nil && err != io.EOF {
		err = b.explain(err)
	}
	return n, err
}

// Close ends the request and releases its connection.
func (b *body) Close() error { return b.close() }

// done reports whether the caller ended the stream, by Close or by ending ctx.
func (b *body) done() bool {
	select {
	case <-b.closed:
		return true
	default:
		return b.ctx.Err() != nil
	}
}

// ended returns the error that ended the stream, or nil while it goes on.
func (b *body) ended() error {
	if b.err == nil && b.done() {
		return b.end(b.explain(nil))
	}
	return b.err
}

// end closes the stream and keeps err, which ended returns from now on.
func (b *body) end(err error) error {
	b.err = err
	_ = b.Close()
	return err
}

// openFormat opens a body for package wire to read, and returns its format.
func (r *Request) openFormat(ctx context.Context, p purpose) (*body, wire.Format, error) {
	c, err := r.prepare(p)
	if err != nil {
		return nil, 0, err
	}
	b, err := c.open(ctx)
	if err != nil {
		return nil, 0, err
	}
	f, err := formatOf(b.resp.Header.Get("Content-Type"))
	if err != nil {
		err = b.explain(fmt.Errorf("read the answer (%s): %w", b.resp.Status, err))
		_ = b.Close()
		return nil, 0, err
	}
	return b, f, nil
}

// ListStream reads a list object by object while it arrives. One goroutine calls its methods; Close
// may be called from any goroutine.
type ListStream struct {
	reader *wire.ListReader
	head   *head
	body   *body
	format wire.Format
}

// List sends the request and returns the list as a stream, of which the caller reads one object at
// a time. The caller closes the stream.
//
// If the server answers with a status other than 2xx, List returns a StatusError, after the retries
// that the package's comment describes. If ctx or a timeout ends, the stream ends.
func (r *Request) List(ctx context.Context, o wire.Options) (*ListStream, error) {
	b, f, err := r.openFormat(ctx, list)
	if err != nil {
		return nil, err
	}
	h := &head{Reader: b.resp.Body}
	reader := wire.NewListReader(h, f, r.core.cfg.reading(o))
	return &ListStream{reader: reader, head: h, body: b, format: f}, nil
}

// Next returns the next object, which belongs to the caller. wire.Decode decodes it. Every error
// ends the stream: Next closes it and returns the same error from then on. The errors are:
//
//   - io.EOF itself, not wrapped, after the last object of a complete list;
//   - an error that wraps ctx's, after ctx ended;
//   - an error that wraps [ErrStreamClosed], after Close;
//   - a StatusError, if the answer is a Status of a failure in place of a list;
//   - an error that names the request, if the list breaks off or is malformed. It wraps a
//     *wire.KindError if the list or the object is not of the type that strict options ask for.
func (s *ListStream) Next() (wire.Object, error) {
	if err := s.body.ended(); err != nil {
		return wire.Object{}, err
	}
	object, err := s.reader.Next()
	if err == nil {
		s.head.begun()
		return object, nil
	}
	if err != io.EOF {
		err = s.head.explain(s.body, s.reader.Meta().Kind, err)
	}
	return wire.Object{}, s.body.end(err)
}

// Meta returns the list's own metadata: its resourceVersion and, if more pages follow, its continue
// token. It is complete only after Next has returned io.EOF, because a server may send it last.
func (s *ListStream) Meta() wire.ListMeta { return s.reader.Meta() }

// Format returns the format in which the server answered.
func (s *ListStream) Format() wire.Format { return s.format }

// Close ends the request and releases its connection. It may be called more than once.
func (s *ListStream) Close() error { return s.body.Close() }

// WatchStream reads a watch event by event. One goroutine calls Next; Close may be called from any
// goroutine.
type WatchStream struct {
	reader *wire.WatchReader
	head   *head
	body   *body
}

// Watch sends the request with watch=true and returns the events as a stream. The caller closes the
// stream.
//
// If the server answers with a status other than 2xx, Watch returns a StatusError, after the
// retries that the package's comment describes. If ctx ends, the stream ends. Timeouts bound the
// wait for the answer's header, and not the watch: the server ends it after the query parameter
// timeoutSeconds, or after a time of its own.
func (r *Request) Watch(ctx context.Context, o wire.Options) (*WatchStream, error) {
	b, f, err := r.openFormat(ctx, watch)
	if err != nil {
		return nil, err
	}
	h := &head{Reader: b.resp.Body}
	reader := wire.NewWatchReader(h, f, r.core.cfg.reading(o))
	return &WatchStream{reader: reader, head: h, body: b}, nil
}

// Next waits for the next event and returns it. The event belongs to the caller. Every error ends
// the stream: Next closes it and returns the same error from then on. The errors are:
//
//   - io.EOF itself, not wrapped, if the server ended the watch between two events, as it regularly
//     does;
//   - an error that wraps ctx's, after ctx ended;
//   - an error that wraps [ErrStreamClosed], after Close;
//   - a StatusError, if the answer is a Status of a failure in place of events;
//   - an error that names the request, if the watch breaks off or is malformed. It wraps a
//     *wire.KindError if an object is not of the type that strict options ask for.
//
// An event of type wire.Error is returned as an event, whose object holds asterisks in place of the
// client's credentials. The server ends the watch after it.
func (s *WatchStream) Next() (wire.Event, error) {
	if err := s.body.ended(); err != nil {
		return wire.Event{}, err
	}
	event, err := s.reader.Next()
	if err == nil {
		s.head.begun()
		if event.Type == wire.Error {
			event.Object = s.body.call.secrets.object(event.Object)
		}
		return event, nil
	}
	if err != io.EOF || s.body.done() {
		err = s.head.explain(s.body, "", err)
	}
	return wire.Event{}, s.body.end(err)
}

// Close ends the request and releases its connection. It may be called more than once.
func (s *WatchStream) Close() error { return s.body.Close() }
