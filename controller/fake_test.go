package controller

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/skiff-k8s/skiff/informer"
	"github.com/skiff-k8s/skiff/rest"
)

// fakeServer is an API server that answers the watch-lists of informers. There is no connection, so
// that it works under synctest's clock.
type fakeServer struct {
	mu       sync.Mutex // guards the fields below
	answers  map[string]answer
	watches  map[string]*fakeWatch // the one that is open
	requests map[string]int
}

// answer is what the server does with the requests for one resource.
type answer func(*fakeServer, *http.Request) (*http.Response, error)

func newFakeServer() *fakeServer {
	return &fakeServer{answers: map[string]answer{}, watches: map[string]*fakeWatch{}, requests: map[string]int{}}
}

// set changes the answer for a resource. The default is an empty list, and then silence.
func (s *fakeServer) set(resource string, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[resource] = a
}

func (s *fakeServer) RoundTrip(req *http.Request) (*http.Response, error) {
	resource := path.Base(req.URL.Path)
	s.mu.Lock()
	s.requests[resource]++
	a, ok := s.answers[resource]
	s.mu.Unlock()
	if !ok {
		a = lists()
	}
	return a(s, req)
}

// count returns how many requests came for a resource.
func (s *fakeServer) count(resource string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests[resource]
}

// kinds are the kinds of the resources that the server has.
var kinds = map[string]string{"configmaps": "ConfigMap", "secrets": "Secret"}

// lists answers with a watch-list of these objects, at version 10.
func lists(objects ...string) answer {
	return func(s *fakeServer, req *http.Request) (*http.Response, error) {
		resource := path.Base(req.URL.Path)
		if query := req.URL.Query(); query.Get("watch") == "" {
			return respond(req, 200, io.NopCloser(strings.NewReader(fmt.Sprintf(`{"kind":"%sList","apiVersion":"v1",`+
				`"metadata":{"resourceVersion":"10"},"items":[%s]}`, kinds[resource], strings.Join(objects, ","))))), nil
		}
		pr, pw := io.Pipe()
		context.AfterFunc(req.Context(), func() { pr.CloseWithError(req.Context().Err()) })
		w := &fakeWatch{pw}
		s.mu.Lock()
		s.watches[resource] = w
		s.mu.Unlock()
		go func() {
			for _, object := range objects {
				w.event("ADDED", object)
			}
			w.event("BOOKMARK", fmt.Sprintf(`{"kind":%q,"apiVersion":"v1","metadata":{"resourceVersion":"10",`+
				`"annotations":{"k8s.io/initial-events-end":"true"}}}`, kinds[resource]))
		}()
		return respond(req, 200, pr), nil
	}
}

// fakeWatch is an open watch.
type fakeWatch struct{ w *io.PipeWriter }

func (w *fakeWatch) event(kind, object string) {
	_, _ = fmt.Fprintf(w.w, `{"type":%q,"object":%s}`+"\n", kind, object) // an error: nobody reads any more
}

// watch returns the watch that is open for a resource.
func (s *fakeServer) watch(resource string) *fakeWatch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watches[resource]
}

// fails answers with an error status.
func fails(code int, reason string) answer {
	return func(_ *fakeServer, req *http.Request) (*http.Response, error) {
		return respond(req, code, strings.NewReader(fmt.Sprintf(
			`{"kind":"Status","apiVersion":"v1","status":"Failure","code":%d,"reason":%q,"message":"scripted %[2]s"}`, code, reason))), nil
	}
}

// refuses has no server at the address.
func refuses(*fakeServer, *http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }

// hangs takes requests and never answers.
func hangs(_ *fakeServer, req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

func respond(req *http.Request, code int, body io.Reader) *http.Response {
	return &http.Response{
		StatusCode: code, Status: http.StatusText(code), Request: req, ContentLength: -1,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(body),
	}
}

// configMap returns a ConfigMap as JSON; more is further metadata.
func configMap(namespace, name string, version int, more ...string) string {
	meta := fmt.Sprintf(`"namespace":%q,"name":%q,"uid":"u-%[2]s","resourceVersion":"%[3]d"`, namespace, name, version)
	return `{"kind":"ConfigMap","apiVersion":"v1","metadata":{` + strings.Join(append([]string{meta}, more...), ",") + `}}`
}

// stage is a factory whose server is scripted, for tests under synctest.
type stage struct {
	t       *testing.T
	server  *fakeServer
	factory *informer.Factory
	log     *logged
}

func newStage(t *testing.T, opts ...informer.Option) *stage {
	s := &stage{t: t, server: newFakeServer(), log: &logged{}}
	c, err := rest.NewClient(&rest.Config{
		Host: "https://server.example", Logger: slog.New(slog.DiscardHandler),
		WrapTransport: func(http.RoundTripper) http.RoundTripper { return s.server },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.factory = informer.NewFactory(c, append([]informer.Option{informer.JSON()}, opts...)...)
	return s
}

func (s *stage) logger() Option { return Logger(slog.New(slog.NewTextHandler(s.log, nil))) }

func (s *stage) configMaps(opts ...informer.Option) *informer.Informer[corev1.ConfigMap] {
	return informer.For[corev1.ConfigMap](s.factory, opts...)
}

func (s *stage) secrets(opts ...informer.Option) *informer.Informer[corev1.Secret] {
	return informer.For[corev1.Secret](s.factory, opts...)
}

// start calls run, and returns a function that ends its context, and waits for its error.
func start(run func(context.Context) error) (stop func() error, ended <-chan error) {
	ctx, cancel := context.WithCancel(context.Background())
	result := make(chan error, 1)
	go func() { result <- run(ctx) }()
	return func() error {
		cancel()
		return <-result
	}, result
}

func noop(context.Context, Key) (Result, error) { return Result{}, nil }
