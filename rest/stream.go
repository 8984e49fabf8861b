package rest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/skiff-k8s/skiff/wire"
)

// ErrStreamClosed is what reading a stream returns after its Close.
var ErrStreamClosed = errors.New("the stream was closed by its owner")

// body is the answer to a call, as it arrives. Reading is for one goroutine; Close may be called
// from any, and more than once.
type body struct {
	call   *call
	ctx    context.Context // the caller's
	cancel context.CancelFunc
	resp   *http.Response
	close  func() error // once: closes the body, returns the same error ever after
	closed chan struct{}
}

// open sends the call and returns the body of a 2xx answer. Ending ctx ends it.
func (c *call) open(ctx context.Context) (*body, error) {
	inner, cancel := context.WithCancel(ctx)
	b := &body{call: c, ctx: ctx, cancel: cancel, closed: make(chan struct{})}
	err := c.run(inner, func(resp *http.Response) error {
		b.resp = resp
		return nil
	})
	if err != nil {
		cancel()
		return nil, err
	}
	b.close = sync.OnceValue(func() error {
		close(b.closed)
		cancel() // first, so that a read under way does not hold up Close
		return b.resp.Body.Close()
	})
	return b, nil
}

// Read reads the body; its errors say of which request.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.resp.Body.Read(p)
	if err != nil && err != io.EOF {
		err = b.explain(err)
	}
	return n, err
}

// Close ends the request and releases its connection.
func (b *body) Close() error { return b.close() }

// explain turns an error of reading into that of the owner who caused it, if one did.
func (b *body) explain(err error) error {
	select {
	case <-b.closed:
		return fmt.Errorf("%s at %s: %w", b.call.what, b.call.base, ErrStreamClosed)
	default:
	}
	if b.ctx.Err() != nil {
		return fmt.Errorf("%s at %s: %w", b.call.what, b.call.base, contextError(b.ctx))
	}
	return fmt.Errorf("%s at %s: %w", b.call.what, b.call.base, err)
}

// done is the error of a stream that its owner ended, nil while it goes on.
func (b *body) done() error {
	select {
	case <-b.closed:
		return b.explain(nil)
	default:
	}
	if b.ctx.Err() != nil {
		return b.explain(nil)
	}
	return nil
}

// openFormat is open for a body that package wire reads.
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
		err = b.explain(fmt.Errorf("the answer (%s) cannot be read: %w", b.resp.Status, err))
		_ = b.Close()
		return nil, 0, err
	}
	return b, f, nil
}

// ListStream reads a list object by object while it arrives. The embedded reader's Meta has the
// list's own metadata. Next is for one goroutine; Close may be called from any.
type ListStream struct {
	*wire.ListReader
	body   *body
	format wire.Format
	err    error // what ended it, and what Next goes on to return
}

// List sends the request and returns the list as a stream. An answer that is not a 2xx status is
// an error here, after retries; nothing of the list has been read yet. The caller closes the
// stream. Ending ctx ends it too.
func (r *Request) List(ctx context.Context, o wire.Options) (*ListStream, error) {
	b, f, err := r.openFormat(ctx, list)
	if err != nil {
		return nil, err
	}
	return &ListStream{ListReader: wire.NewListReader(b.resp.Body, f, o), body: b, format: f}, nil
}

// Next returns the next object. It returns io.EOF, exactly, after the last object of a complete
// list; an error that wraps ctx's when ctx ended, or ErrStreamClosed after Close; and an error that
// names the request for a list that breaks off or is malformed. An error ends the stream: it is closed, and Next returns the same from then on.
func (s *ListStream) Next() (wire.Object, error) {
	if s.err == nil {
		s.err = s.body.done()
	}
	if s.err != nil {
		return wire.Object{}, s.end(s.err)
	}
	object, err := s.ListReader.Next()
	if err == nil {
		return object, nil
	}
	if err != io.EOF {
		err = s.body.explain(err)
	}
	return wire.Object{}, s.end(err)
}

func (s *ListStream) end(err error) error {
	s.err = err
	_ = s.body.Close()
	return err
}

// Format is the format that the server chose.
func (s *ListStream) Format() wire.Format { return s.format }

// Close ends the request and releases its connection. It may be called more than once.
func (s *ListStream) Close() error { return s.body.Close() }

// WatchStream reads a watch event by event. Next is for one goroutine; Close may be called from any.
type WatchStream struct {
	*wire.WatchReader
	body   *body
	format wire.Format
	err    error // what ended it, and what Next goes on to return
}

// Watch sends the request with watch=true and returns the events as a stream. An answer that is not
// a 2xx status is an error here, after retries. The caller closes the stream. Ending ctx ends it
// too; no other time bounds it than the one the server was asked for (timeoutSeconds).
func (r *Request) Watch(ctx context.Context, o wire.Options) (*WatchStream, error) {
	b, f, err := r.openFormat(ctx, watch)
	if err != nil {
		return nil, err
	}
	return &WatchStream{WatchReader: wire.NewWatchReader(b.resp.Body, f, o), body: b, format: f}, nil
}

// Next waits for the next event. It returns io.EOF, exactly, when the server ended the watch
// between two events, which it does as a matter of course; an error that wraps ctx's when ctx
// ended, or ErrStreamClosed after Close; and an error that names the request for a watch that
// breaks off or is malformed. An error ends the stream: it is closed, and Next returns the same from then on.
func (s *WatchStream) Next() (wire.Event, error) {
	if s.err == nil {
		s.err = s.body.done()
	}
	if s.err != nil {
		return wire.Event{}, s.end(s.err)
	}
	event, err := s.WatchReader.Next()
	if err == nil {
		return event, nil
	}
	if over := s.body.done(); over != nil {
		err = over
	} else if err != io.EOF {
		err = s.body.explain(err)
	}
	return wire.Event{}, s.end(err)
}

func (s *WatchStream) end(err error) error {
	s.err = err
	_ = s.body.Close()
	return err
}

// Format is the format that the server chose.
func (s *WatchStream) Format() wire.Format { return s.format }

// Close ends the request and releases its connection. It may be called more than once.
func (s *WatchStream) Close() error { return s.body.Close() }
