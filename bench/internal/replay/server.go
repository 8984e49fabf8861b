package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/skiff-k8s/skiff/bench/internal/workload"
	"github.com/skiff-k8s/skiff/internal/handlers"
)

// Options configures a server. The zero Options work.
type Options struct {
	// CannedBytes is the limit, in bytes, of the initial lists made in advance, and of the events
	// of a flood made in advance. 0 means 1 GiB; negative means that nothing is made in advance.
	CannedBytes int64
	// Can is the one initial list to make in advance, as resource and format: "pods/protobuf". ""
	// means all that fit. Making a list that no client requests takes seconds.
	Can string
	// TLS serves HTTPS and HTTP/2, with a certificate that CA returns.
	TLS bool
}

// Server is a running server. It is safe for concurrent use.
type Server struct {
	options   Options
	resources []*resource
	listener  net.Listener
	http      *http.Server
	ca        []byte
	ended     chan struct{}
	requests  *handlers.Group
}

// Start serves sources on a free port of the loopback interface until Close. It returns after it
// has made the lists in advance.
func Start(sources []workload.Source, o Options) (*Server, error) {
	o.CannedBytes = cmp.Or(o.CannedBytes, 1<<30)
	s := &Server{options: o, ended: make(chan struct{})}
	room, found := o.CannedBytes, o.Can == ""
	for _, src := range sources {
		r := newResource(src)
		for _, f := range r.formats() {
			if name := r.info.Resource + "/" + f.String(); o.Can == "" || o.Can == name {
				found = true
				room -= r.can(f, room)
			}
		}
		s.resources = append(s.resources, r)
	}
	if !found {
		return nil, fmt.Errorf("replay: there is no list %q to hold ready; one is called RESOURCE/protobuf or RESOURCE/json", o.Can)
	}
	var err error
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("replay: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.requests = handlers.New(s)
	s.http = &http.Server{Handler: s.requests, BaseContext: func(net.Listener) context.Context { return ctx }}
	serve := s.http.Serve
	if o.TLS {
		if s.http.TLSConfig, s.ca, err = selfSigned(); err != nil {
			s.listener.Close()
			cancel()
			return nil, fmt.Errorf("replay: %w", err)
		}
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	go func() {
		defer close(s.ended)
		defer cancel()
		if err := serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
			fmt.Println("replay:", err)
		}
	}()
	return s, nil
}

// URL returns the server's URL.
func (s *Server) URL() string {
	scheme := "http://"
	if s.options.TLS {
		scheme = "https://"
	}
	return scheme + s.listener.Addr().String()
}

// CA returns the certificate to trust, as PEM; nil without TLS.
func (s *Server) CA() []byte { return s.ca }

// Close ends the server and every connection, and waits for the goroutines that served them.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.ended
	s.requests.Close()
	return err
}

// ServeHTTP answers as a kube-apiserver for its resources and for discovery. It also answers
//
//	POST /control/flood?resource=pods&events=N[&rate=R][&kind=modify|replace]
//	POST /control/churn?resource=pods&rounds=N[&kind=rollout|replace]
//
// with the Flooded that Flood returns, as JSON, after everything has been sent to every watch.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	path := strings.Trim(req.URL.Path, "/")
	if control, ok := strings.CutPrefix(path, "control/"); ok {
		s.control(w, req, control)
		return
	}
	if req.Method != http.MethodGet {
		fail(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "the replay server is for reading only")
		return
	}
	if s.discover(w, path) {
		return
	}
	r, namespace, name := s.find(strings.Split(path, "/"))
	switch {
	case r == nil || name != "":
		fail(w, http.StatusNotFound, "NotFound", "the replay server lists and watches its resources, and has no "+path)
	default:
		r.noteAsked(req.URL.RawQuery)
		s.serve(w, req, r, namespace)
	}
}

// find returns the resource of a path.
func (s *Server) find(path []string) (r *resource, namespace, name string) {
	var group, version string
	switch {
	case len(path) >= 3 && path[0] == "api":
		version, path = path[1], path[2:]
	case len(path) >= 4 && path[0] == "apis":
		group, version, path = path[1], path[2], path[3:]
	default:
		return nil, "", ""
	}
	if path[0] == "namespaces" && len(path) >= 3 {
		namespace, path = path[1], path[2:]
	}
	if len(path) > 1 {
		name = strings.Join(path[1:], "/")
	}
	for _, r := range s.resources {
		if r.info.Resource == path[0] && r.info.Group == group && r.info.Version == version {
			return r, namespace, name
		}
	}
	return nil, "", ""
}

// Asked returns the queries of all lists and watches of a resource so far, in order.
func (s *Server) Asked(resource string) []string {
	for _, r := range s.resources {
		if r.info.Resource == resource {
			r.mu.Lock()
			defer r.mu.Unlock()
			return slices.Clone(r.asked)
		}
	}
	return nil
}

// Objects yields the objects of a resource by position and state: the content of a cache that has
// all changes. If the server does not serve the resource, Objects yields nothing.
func (s *Server) Objects(resource string) iter.Seq2[int, workload.State] {
	return func(yield func(int, workload.State) bool) {
		for _, r := range s.resources {
			if r.info.Resource != resource {
				continue
			}
			shot := r.snapshot()
			more := true
			for at := 0; more && at < shot.positions(); at++ {
				shot.each(at, func(state workload.State) { more = more && yield(at, state) })
			}
		}
	}
}
