package skifftest

import (
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/skiff-k8s/skiff/faults"
	"github.com/skiff-k8s/skiff/kind"
	"github.com/skiff-k8s/skiff/rest"
	"github.com/skiff-k8s/skiff/skifftest/internal/apiserver"
)

// Server is an API server in memory. Its methods are safe for concurrent use. Those that fail the test
// call t.Fatalf, so that only the test's own goroutine may call them.
type Server struct {
	t      testing.TB
	api    *apiserver.Server
	layer  *faults.Layer
	http   *faults.Server
	config *rest.Config
	now    func() time.Time

	mu       sync.Mutex
	calls    []*Call
	failures []*failure
}

// New starts a server that ends with the test t. An argument is an [Option], or an object that the
// server has from the start, as of [Server.Put]. The namespaces default, kube-system, kube-public and
// kube-node-lease exist, and those of the objects.
//
// An argument that is neither fails the test, and so does an object that the server refuses.
func New(t testing.TB, args ...any) *Server {
	t.Helper()
	o := options{now: time.Now}
	var objects []any
	for _, arg := range args {
		if option, ok := arg.(Option); ok {
			option.apply(&o)
		} else {
			objects = append(objects, arg)
		}
	}
	if o.listen.Loopback && inBubble() {
		t.Fatalf("skifftest: start a server: a loopback listener does not work in a bubble of testing/synctest: " +
			"its clock does not stand still while a connection of the network is waited for; leave out WithLoopback")
	}
	s := &Server{t: t, api: apiserver.New(o.now, o.definitions...), now: o.now}
	s.layer = faults.NewLayer(s.api, o.rules...)
	s.http = faults.Start(t, s, o.listen)
	s.config = &rest.Config{Host: s.http.URL(), Dial: s.http.Dial, TLS: rest.TLSConfig{CAData: s.http.CA()}}
	if o.listen.Loopback {
		s.config.Dial = nil
	}
	for _, crd := range o.crds {
		s.AddCRD(crd)
	}
	s.Put(objects...)
	if o.collect {
		s.api.AutoCollect()
	}
	return s
}

// inBubble reports whether the caller is in a bubble of testing/synctest.
func inBubble() bool {
	head := make([]byte, 128)
	head = head[:runtime.Stack(head, false)]
	line, _, _ := strings.Cut(string(head), "\n")
	return strings.Contains(line, "synctest bubble")
}

// Config returns the configuration of a client of the server. The copy belongs to the caller.
func (s *Server) Config() *rest.Config { return s.config.Copy() }

// Put creates objects, or replaces what is there, whatever its version, as another client would that may
// do everything: with the status, uid, creationTimestamp and deletionTimestamp that an object has. An
// object is a Go value of a kind of package kind, whose TypeMeta may be empty; an
// *unstructured.Unstructured; a map; or JSON ([]byte, string). The namespace of an object is created if
// it is not there. An object that the server refuses fails the test, and so does one with a field that
// its kind has not.
func (s *Server) Put(objects ...any) {
	s.t.Helper()
	for _, v := range objects {
		o, err := toContent(v)
		if err == nil {
			_, err = s.api.Put(o)
		}
		if err != nil {
			s.t.Fatalf("skifftest: put a %T: %v", v, err)
		}
	}
}

// toContent returns an object as a map.
func toContent(v any) (map[string]any, error) {
	var data []byte
	switch v := v.(type) {
	case []byte:
		data = v
	case string:
		data = []byte(v)
	default:
		var err error
		if data, err = json.Marshal(v); err != nil {
			return nil, err
		}
	}
	o, err := apiserver.Decode(data)
	if err != nil {
		return nil, err
	}
	if o["kind"] == nil || o["apiVersion"] == nil {
		k, err := kindOf(v)
		if err != nil {
			return nil, err
		}
		o["apiVersion"], o["kind"] = k.APIVersion(), k.Kind
	}
	return o, nil
}

// kindOf returns the kind of a Go value.
func kindOf(v any) (kind.Info, error) {
	switch v.(type) {
	case []byte, string, map[string]any:
		return kind.Info{}, fmt.Errorf("it has no apiVersion or no kind")
	}
	return kind.OfType(typeOf(v))
}

// Compact forgets the history: a watch, a list and a continue token of a version before the present one
// is answered with 410. Open watches that are up to date go on.
func (s *Server) Compact() { s.api.Store().Compact() }

// Restart ends all watches and forgets the history, as a restart of a server does. The objects stay.
func (s *Server) Restart() { s.api.Store().Restart() }

// CollectGarbage does what the controllers of a cluster do for objects that are to go: it deletes the
// dependents of owners that are gone, works off the finalizers orphan and foregroundDeletion, and empties
// and removes the namespaces that are being deleted. It returns when nothing is left to do.
func (s *Server) CollectGarbage() { s.api.CollectGarbage() }

// Faults replaces the rules of the fault layer in front of the server, for requests that come from now
// on.
func (s *Server) Faults(rules ...faults.Rule) { s.layer.SetRules(rules...) }

// Network returns the network of the server, on which connections can be reset, frozen and refused.
func (s *Server) Network() *faults.Server { return s.http }
