package faults

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// errCut is what a server gets that writes to a connection that a fault has cut.
var errCut = errors.New("faults: the connection was cut")

// Hold never answers. The request ends when the client gives up or the server closes.
func Hold() Fault {
	return answering("hold", func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
}

// Delay passes the request on after a time.
func Delay(d time.Duration) Fault {
	return Fault{fmt.Sprintf("delay %s", d), func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			timer := time.NewTimer(d)
			defer timer.Stop()
			select {
			case <-timer.C:
				next.ServeHTTP(w, r)
			case <-r.Context().Done():
				panic(http.ErrAbortHandler)
			}
		})
	}}
}

// Close closes the connection before the answer (HTTP/2: the stream).
func Close() Fault {
	return answering("close", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
}

// CloseAfter closes the connection when the server has done the work and before the answer: the
// client cannot know that its write was carried out. For a watch it is Close.
func CloseAfter() Fault {
	return Fault{"close after the work", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if VerbOf(r)&(Watch|WatchList) == 0 {
				next.ServeHTTP(&swallow{header: http.Header{}}, r)
			}
			panic(http.ErrAbortHandler)
		})
	}}
}

// Reset resets the connection before the answer: the client reads "connection reset by peer".
func Reset() Fault {
	return answering("reset", func(_ http.ResponseWriter, r *http.Request) {
		if c := connOf(r); c != nil {
			c.reset()
		}
		panic(http.ErrAbortHandler)
	})
}

// Freeze leaves the whole connection open and silent: no byte of it is read or sent any more, so that
// the pings of HTTP/2 are not answered either.
func Freeze() Fault {
	return answering("freeze", func(_ http.ResponseWriter, r *http.Request) {
		if c := connOf(r); c != nil {
			c.freeze()
		}
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
}

// Cut passes n bytes of the answer's body and closes the connection (HTTP/2: resets the stream).
func Cut(n int) Fault {
	return Fault{fmt.Sprintf("cut after %d bytes", n), func(next http.Handler) http.Handler {
		cut := false
		inner := filtering("", func(w http.ResponseWriter, _ *http.Request, end func()) (func([]byte) error, func()) {
			left := n
			return func(p []byte) error {
				if cut {
					return errCut
				}
				if len(p) < left {
					left -= len(p)
					_, err := w.Write(p)
					return err
				}
				_, _ = w.Write(p[:left])
				flush(w)
				cut = true
				end()
				return errCut
			}, nil
		}).Handler(next)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(w, r)
			if cut {
				panic(http.ErrAbortHandler)
			}
		})
	}}
}

// Stall passes n bytes of the answer's body and then nothing, with the connection open. The request
// ends when the client gives up or the server closes.
func Stall(n int) Fault {
	return filtering(fmt.Sprintf("stall after %d bytes", n),
		func(w http.ResponseWriter, r *http.Request, _ func()) (func([]byte) error, func()) {
			left := n
			write := func(p []byte) error {
				p = p[:min(len(p), left)]
				left -= len(p)
				_, err := w.Write(p)
				if left == 0 {
					flush(w)
				}
				return err
			}
			return write, func() {
				if left == 0 {
					<-r.Context().Done()
					panic(http.ErrAbortHandler)
				}
			}
		})
}

// GoAway asks the client to use another connection from now on: GOAWAY on HTTP/2, as an API server
// with --goaway-chance sends it, and the header "Connection: close" on HTTP/1.1.
func GoAway() Fault {
	return Fault{"goaway", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Connection", "close")
			next.ServeHTTP(w, r)
		})
	}}
}

// swallow is a ResponseWriter to nobody.
type swallow struct{ header http.Header }

func (s *swallow) Header() http.Header         { return s.header }
func (s *swallow) WriteHeader(int)             {}
func (s *swallow) Write(p []byte) (int, error) { return len(p), nil }
func (s *swallow) FlushError() error           { return nil }
