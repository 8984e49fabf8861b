package faults

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// Endless answers with start and then with piece, again and again, some 64 MB a second: an answer that
// came as fast as it is read would let synctest's clock stand still. The request ends when the client
// gives up or the server closes.
func Endless(contentType, start, piece string) Fault {
	return answering(fmt.Sprintf("endless %.20q", piece), func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		_, err := io.WriteString(w, start)
		block := bytes.Repeat([]byte(piece), 1+64<<10/max(len(piece), 1))
		for err == nil && r.Context().Err() == nil {
			if _, err = w.Write(block); err == nil {
				time.Sleep(time.Millisecond)
			}
		}
		panic(http.ErrAbortHandler)
	})
}

// Trickle answers with a piece after each pause, for ever: a stream that is alive and says nothing.
func Trickle(contentType, piece string, pause time.Duration) Fault {
	return answering(fmt.Sprintf("trickle %.20q each %s", piece, pause),
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			tick := time.NewTicker(pause)
			defer tick.Stop()
			for {
				if _, err := io.WriteString(w, piece); err != nil {
					panic(http.ErrAbortHandler)
				}
				flush(w)
				select {
				case <-tick.C:
				case <-r.Context().Done():
					panic(http.ErrAbortHandler)
				}
			}
		})
}

// Repeat sends each line of the answer n times: each event of a watch, the whole of a list.
func Repeat(n int) Fault {
	return filtering(fmt.Sprintf("repeat %d times", n),
		func(w http.ResponseWriter, _ *http.Request, _ func()) (func([]byte) error, func()) {
			return lines(func(line []byte) error {
				_, err := w.Write(bytes.Repeat(line, n))
				return err
			})
		})
}

// Gzip compresses the answer, whether the client asked for it or not.
func Gzip() Fault {
	return Fault{"gzip", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			f := &compressed{filter{ResponseWriter: w}, z}
			f.write = func(p []byte) error { _, err := z.Write(p); return err }
			r.Header.Set("Accept-Encoding", "identity") // what is compressed once is enough
			next.ServeHTTP(f, r)
			_ = z.Close()
		})
	}}
}

type compressed struct {
	filter
	z *gzip.Writer
}

func (c *compressed) FlushError() error {
	if err := c.z.Flush(); err != nil {
		return err
	}
	return c.filter.FlushError()
}

// Bomb answers with start and as many bytes of padding ('a'), compressed to a thousandth, whether the
// client asked for that or not.
func Bomb(contentType, start string, padding int64) Fault {
	return answering(fmt.Sprintf("gzip bomb of %d bytes", padding),
		func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, err := io.WriteString(z, start)
			block := bytes.Repeat([]byte{'a'}, 64<<10)
			for left := padding; left > 0 && err == nil && r.Context().Err() == nil; left -= int64(len(block)) {
				_, err = z.Write(block[:min(left, int64(len(block)))])
			}
			_ = z.Close()
		})
}

// HTTP10 answers as an HTTP/1.0 server does: without the body's length, whose end is that of the
// connection. It needs HTTP/1.1 between client and server; on HTTP/2 it answers 505.
func HTTP10() Fault {
	return Fault{"HTTP/1.0", func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, buffered, err := http.NewResponseController(w).Hijack()
			if err != nil {
				http.Error(w, "faults: HTTP10 needs HTTP/1.1", http.StatusHTTPVersionNotSupported)
				return
			}
			defer func() { _ = conn.Close() }()
			ctx, cancel := context.WithCancel(r.Context())
			gone := make(chan struct{})
			go func() { // whoever takes a connection over has to notice its end
				defer close(gone)
				defer cancel()
				_, _ = io.Copy(io.Discard, buffered)
			}()
			out := &plain{conn: conn, out: bufio.NewWriter(conn), header: http.Header{}}
			next.ServeHTTP(out, r.WithContext(ctx))
			_ = out.FlushError()
			_ = conn.Close()
			<-gone
		})
	}}
}

// plain is a ResponseWriter that speaks HTTP/1.0.
type plain struct {
	conn   net.Conn
	out    *bufio.Writer
	header http.Header
	begun  bool
}

func (p *plain) Header() http.Header { return p.header }

func (p *plain) WriteHeader(code int) {
	if p.begun {
		return
	}
	p.begun = true
	p.header.Del("Content-Length")
	fmt.Fprintf(p.out, "HTTP/1.0 %d %s\r\n", code, http.StatusText(code))
	_ = p.header.Write(p.out)
	_, _ = p.out.WriteString("\r\n")
}

func (p *plain) Write(b []byte) (int, error) {
	p.WriteHeader(http.StatusOK)
	return p.out.Write(b)
}

func (p *plain) FlushError() error {
	p.WriteHeader(http.StatusOK)
	return p.out.Flush()
}
