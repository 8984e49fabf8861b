package faults

import (
	"bytes"
	"context"
	"net/http"
)

// filter is a ResponseWriter that changes a body on its way.
type filter struct {
	http.ResponseWriter
	write func(p []byte) error // writes what becomes of a piece of the body
	begun bool
}

// FlushError lets http.ResponseController flush. There is no Unwrap, which would lead to Hijack and
// past write.
func (f *filter) FlushError() error { return http.NewResponseController(f.ResponseWriter).Flush() }

func (f *filter) WriteHeader(code int) {
	f.begun = true
	f.Header().Del("Content-Length")
	f.ResponseWriter.WriteHeader(code)
}

func (f *filter) Write(p []byte) (int, error) {
	if !f.begun {
		f.WriteHeader(http.StatusOK)
	}
	if err := f.write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// filtering returns a fault that changes the body of what the server answers. begin is called for each
// exchange, with the writer to the client and a function that ends the server's work; write gets the
// pieces, and finish, which may be nil, is called when the server has answered.
func filtering(
	name string,
	begin func(w http.ResponseWriter, r *http.Request, end func()) (write func([]byte) error, finish func()),
) Fault {
	return Fault{name, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx, end := context.WithCancel(r.Context())
			defer end()
			write, finish := begin(w, r, end)
			f := &filter{ResponseWriter: w, write: write}
			next.ServeHTTP(f, r.WithContext(ctx))
			if finish != nil {
				finish()
			}
		})
	}}
}

// lines returns a function that calls f for each complete line of what it gets, the line's end
// included, and a function that calls f for the rest.
func lines(f func(line []byte) error) (write func([]byte) error, rest func()) {
	var held []byte
	write = func(p []byte) error {
		held = append(held, p...)
		for {
			i := bytes.IndexByte(held, '\n')
			if i < 0 {
				return nil
			}
			line := held[:i+1]
			held = held[i+1:]
			if err := f(line); err != nil {
				return err
			}
		}
	}
	return write, func() {
		if len(held) > 0 {
			_ = f(held)
		}
	}
}

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }
