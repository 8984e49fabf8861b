package remote

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
)

// echoKubelet sends back what each forwarded connection sends.
func echoKubelet(t *testing.T) *rest.Client {
	return apiServer(t, func(w http.ResponseWriter, r *http.Request) {
		p := upgrade(t, w, r, protocolForward)
		defer p.Close()
		messages, feed := io.Pipe()
		echoed := make(chan struct{})
		go func() {
			defer close(echoed)
			in := bufio.NewReader(messages)
			for {
				f, err := readSPDY(in)
				if err != nil {
					return
				}
				if b := make([]byte, f.length); !f.control {
					io.ReadFull(in, b)
					var fin byte
					if f.fin {
						fin = spdyFin
					}
					p.Write(frame(opBinary, true, appendData(nil, streamData, fin, b)))
				}
			}
		}()
		defer func() { // before p is closed
			messages.Close()
			<-echoed
		}()
		for {
			m, err := p.hearMessage()
			if err != nil {
				p.sayClose(1000, "")
				return
			}
			feed.Write(m)
		}
	})
}

// The end of the context ends Run and all connections; Close ends Run as well. A Forwarder runs once.
func TestRunEnds(t *testing.T) {
	for _, by := range []string{"ctx", "Close"} {
		f, err := Forward(t.Context(), echoKubelet(t), "default", "web", ForwardOptions{Ports: []string{":80"}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- f.Run(ctx) }()
		conn, err := net.Dial("tcp", f.Ports()[0].Local.String())
		if err != nil {
			t.Fatal(err)
		}
		io.WriteString(conn, "hello")
		if _, err := io.ReadFull(conn, make([]byte, len("hello"))); err != nil {
			t.Errorf("%s: %v", by, err)
		}
		if by == "ctx" {
			cancel()
		} else {
			f.Close()
		}
		if err := <-ended; err != nil {
			t.Errorf("%s: Run returned %v", by, err)
		}
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: the connection goes on", by)
		}
		if err := f.Run(t.Context()); !errors.As(err, new(*kind.MisuseError)) {
			t.Errorf("a second Run: %v", err)
		}
		conn.Close()
		cancel()
	}
}
