package rest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/wire"
)

// rawServer answers each request by bytes, on a connection that it then closes if close is set.
func rawServer(t *testing.T, close bool, answer string) *Config {
	t.Helper()
	l := listen(t)
	newTestProxy(t, &testProxy{}, l, func(_ *testProxy, conn net.Conn) error {
		for in := bufio.NewReader(conn); ; {
			req, err := http.ReadRequest(in)
			if err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return err
			}
			if _, err := fmt.Fprint(conn, answer); err != nil || close {
				return err
			}
		}
	})
	return &Config{Host: "http://" + l.Addr().String(), Logger: quiet()}
}

// HTTP/1.0 has answers without a length, which end with the connection, and no chunks.
func TestAnswersOfHTTP10(t *testing.T) {
	const head = "HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n"
	for name, answer := range map[string]string{
		"with a length":    head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(emptyConfigMap), emptyConfigMap),
		"without a length": head + "\r\n" + emptyConfigMap,
		"cut":              head + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(emptyConfigMap)+1, emptyConfigMap),
	} {
		c := newClient(t, rawServer(t, true, answer))
		got, err := c.Get().Resource("configmaps").Name("a").MaxRetries(-1).DoRaw(t.Context())
		if cut := name == "cut"; cut != errors.Is(err, io.ErrUnexpectedEOF) || !cut && (err != nil || string(got) != emptyConfigMap) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
	c := newClient(t, rawServer(t, true, head+"\r\n"+watched))
	w, err := c.Get().Resource("pods").Watch(t.Context(), wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = w.Next()
	}
	if err != io.EOF {
		t.Errorf("a watch ends with %v", err)
	}
}

// Informational answers are passed over, up to net/http's limit of their size, and none of them is the
// answer (RFC 9110 section 15.2).
func TestInformationalAnswers(t *testing.T) {
	final := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(emptyConfigMap), emptyConfigMap)
	for name, before := range map[string]string{
		"100": "HTTP/1.1 100 Continue\r\n\r\n",
		"102": "HTTP/1.1 102 Processing\r\n\r\n",
		"103": "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
		"199": "HTTP/1.1 199 x\r\n\r\n",
	} {
		for _, n := range []int{1, 5} {
			c := newClient(t, rawServer(t, false, strings.Repeat(before, n)+final))
			for range 2 {
				r := c.Post().Resource("configmaps").Body([]byte("{}")).Do(t.Context())
				if body, err := r.Raw(); err != nil || string(body) != emptyConfigMap || r.StatusCode() != 200 {
					t.Errorf("%s, %d of them: %d, %s, %v", name, n, r.StatusCode(), body, err)
				}
			}
			c.CloseIdleConnections()
		}
	}
	// Endless ones end with an error. The connection is not used again.
	c := newClient(t, rawServer(t, true, strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: "+strings.Repeat("x", 1<<10)+"\r\n\r\n", 2<<10)))
	err := c.Get().Resource("configmaps").MaxRetries(-1).Do(t.Context()).Error()
	if err == nil {
		t.Fatal("no error")
	}
	mustContain(t, err.Error(), "list configmaps")
	// A 101 that nobody asked for is no answer of the API.
	c = newClient(t, rawServer(t, true, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"))
	if err := c.Get().Resource("configmaps").MaxRetries(-1).Do(t.Context()).Error(); err == nil {
		t.Error("a 101 is taken for an answer")
	}
}

// A request that cannot be right is not sent, and its error has the type that other packages have.
func TestMistakesHaveAType(t *testing.T) {
	c := fakeClient(t, func(*http.Request) (*http.Response, error) { panic("it is sent") })
	for name, test := range map[string]struct {
		r    *Request
		want kind.MisuseError
	}{
		"an empty name": {c.Get().Namespace("a").Resource("pods").Name(""), kind.MisuseError{Verb: "list", Resource: "pods", Problem: "the name is empty"}},
		"a bad namespace": {c.Delete().Namespace("a/b").Resource("pods").Name("web"),
			kind.MisuseError{Verb: "delete", Resource: "pods", Name: "web", Problem: `the namespace "a/b" may contain neither "/" nor "%"`}},
		"a bad name": {c.Delete().Namespace("a").Resource("pods").Name("web/.."),
			kind.MisuseError{Verb: "delete", Resource: "pods", Name: "web/..", Problem: `the name "web/.." may contain neither "/" nor "%"`}},
		"a PUT to many": {c.Put().Resource("pods"), kind.MisuseError{Verb: "update", Resource: "pods", Problem: "a PUT or PATCH changes one object: set its Name"}},
		"a body":        {c.Post().Resource("pods").Body(3), kind.MisuseError{Verb: "create", Resource: "pods", Problem: "the body int is neither []byte nor an API object"}},
		"no path":       {c.Get(), kind.MisuseError{Verb: "get", Resource: "nothing", Problem: "the request has no path: set Resource or AbsPath"}},
	} {
		err := test.r.Do(t.Context()).Error()
		var misuse *kind.MisuseError
		if !errors.As(err, &misuse) || *misuse != test.want || !strings.HasPrefix(err.Error(), "rest: make the request (") {
			t.Errorf("%s: %+v, %v", name, misuse, err)
		}
	}
}
