package apiserver

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	apischema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/uuid"

	"github.com/skiff-k8s/skiff/internal/apipath"
	"github.com/skiff-k8s/skiff/internal/storage"
	"github.com/skiff-k8s/skiff/skifftest/internal/owners"
	"github.com/skiff-k8s/skiff/skifftest/internal/schema"
)

// Server is an API server. Its methods are safe for concurrent use.
type Server struct {
	store    *storage.Store
	registry *registry
	kinds    *schema.Set
	owners   *owners.Manager
	now      func() time.Time
	collects atomic.Bool // CollectGarbage runs after each change

	definitionOptions []schema.CRDOption
}

// New returns a server with the namespaces that every cluster has. now is the clock that timestamps are
// taken from.
func New(now func() time.Time, definitions ...schema.CRDOption) *Server {
	kinds := schema.Builtin()
	s := &Server{
		store: storage.New(), registry: newRegistry(), kinds: kinds, owners: owners.New(kinds, now), now: now,
		definitionOptions: definitions,
	}
	for _, name := range []string{"default", "kube-node-lease", "kube-public", "kube-system"} {
		if _, err := s.Put(map[string]any{
			"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
		}); err != nil {
			panic(err) // the object is known
		}
	}
	return s
}

// Store returns where the objects are.
func (s *Server) Store() *storage.Store { return s.store }

func (s *Server) timestamp() string { return s.now().UTC().Format(time.RFC3339) }

// call is a request.
type call struct {
	s        *Server
	w        http.ResponseWriter
	r        *http.Request
	q        url.Values
	at       apipath.Path
	res      *Resource
	answer   format // of the answer
	warnings []string
	dryRun   bool
	strict   string // fieldValidation
	manager  string // fieldManager
	patches  bool   // the request is a patch
	older    bool   // the path is that of a watch
	applied  bool   // the object has its managedFields
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{s: s, w: w, r: r, q: r.URL.Query(), answer: format{media: mediaJSON}}
	id := r.Header.Get("Audit-Id")
	if id == "" {
		id = string(uuid.NewUUID())
	}
	w.Header().Set("Audit-Id", id)
	w.Header().Set("Cache-Control", "no-cache, private")
	if err := c.serve(); err != nil {
		c.fail(err)
	}
	if s.collects.Load() && r.Method != http.MethodGet {
		s.CollectGarbage()
	}
}

var errNoResource = &apierrors.StatusError{ErrStatus: metav1.Status{
	Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound,
	Message: "the server could not find the requested resource", Details: &metav1.StatusDetails{},
}}

var errNoMethod = &apierrors.StatusError{ErrStatus: metav1.Status{
	Status: metav1.StatusFailure, Code: http.StatusMethodNotAllowed, Reason: metav1.StatusReasonMethodNotAllowed,
	Message: "the server does not allow this method on the requested resource",
	Details: &metav1.StatusDetails{},
}}

func (c *call) serve() error {
	switch c.r.URL.Path {
	case "/readyz", "/livez", "/healthz":
		c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(c.w, "ok")
		return nil
	}
	if handled, err := c.discover(); handled {
		return err
	}
	at, ok := c.parse()
	if !ok {
		c.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		c.w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(c.w, "404 page not found\n")
		return nil
	}
	c.at = at
	c.res = c.s.registry.resource(apischema.GroupVersionResource{
		Group: at.Group, Version: at.Version, Resource: at.Resource,
	})
	if c.res == nil || at.Namespace != "" && !c.res.Namespaced ||
		at.Subresource != "" && !c.res.has(at.Subresource) {
		return errNoResource
	}
	verb := Verb(c.r, at)
	if c.older {
		verb = "watch"
	}
	everywhere := c.res.Namespaced && at.Namespace == ""
	switch {
	case everywhere && at.Name != "":
		return errNoResource
	case everywhere && verb != "list" && verb != "watch", !c.res.allows(verb, at.Subresource):
		return errNoMethod
	}
	var err error
	if c.answer, err = c.negotiate(); err != nil {
		return err
	}
	if at.Subresource != "" {
		return c.serveSubresource(verb)
	}
	switch verb {
	case "get":
		return c.get()
	case "list":
		return c.list()
	case "watch":
		return c.watch()
	case "create":
		return c.create()
	case "update":
		return c.update()
	case "patch":
		return c.patchObject()
	case "delete":
		return c.delete()
	case "deletecollection":
		return c.deleteCollection()
	}
	return errNoMethod
}

// Verb returns the verb of a request, as RBAC names it.
func Verb(r *http.Request, at apipath.Path) string {
	switch r.Method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		if at.Name == "" {
			return "deletecollection"
		}
		return "delete"
	case http.MethodGet, http.MethodHead:
		w := r.URL.Query().Get("watch")
		switch {
		case w == "true" || w == "1":
			return "watch"
		case at.Name == "":
			return "list"
		}
		return "get"
	}
	return ""
}

// serveSubresource answers a request for a subresource that is served.
func (c *call) serveSubresource(verb string) error {
	switch c.at.Subresource {
	case "status":
		switch verb {
		case "get":
			return c.get()
		case "update":
			return c.update()
		case "patch":
			return c.patchObject()
		}
	case "scale":
		return c.serveScale(verb)
	case "finalize", "approval":
		return c.update()
	case "binding":
		return c.bind()
	case "eviction":
		return c.evict()
	}
	return errNoResource
}

// named returns the object that the URL names.
func (c *call) named(tx storage.Tx) (*storage.Object, error) {
	if o := tx.Get(c.res.in, c.at.Namespace, c.at.Name); o != nil {
		return o, nil
	}
	return nil, apierrors.NewNotFound(c.res.gr(), c.at.Name)
}

// parse reads the path. The older form of a watch, /api/v1/watch/…, is as with watch=true.
func (c *call) parse() (apipath.Path, bool) {
	path := c.r.URL.Path
	for _, sep := range []string{"/api/", "/apis/"} {
		rest, ok := strings.CutPrefix(path, sep)
		if !ok {
			continue
		}
		parts := strings.Split(rest, "/")
		n := 1
		if sep == "/apis/" {
			n = 2
		}
		if len(parts) > n+1 && parts[n] == "watch" {
			c.older = true
			c.q.Set("watch", "true")
			path = sep + strings.Join(append(parts[:n:n], parts[n+1:]...), "/")
		}
	}
	return apipath.Parse(path)
}

func (c *call) get() error {
	if err := storage.CheckVersion(c.q.Get("resourceVersion")); err != nil {
		return err
	}
	var o *storage.Object
	err := c.s.store.Do(func(tx storage.Tx) (err error) { o, err = c.named(tx); return err })
	if err != nil {
		return err
	}
	return c.write(http.StatusOK, o)
}

// Fail answers a request with an error.
func (s *Server) Fail(w http.ResponseWriter, r *http.Request, err error) {
	c := &call{s: s, w: w, r: r, q: r.URL.Query(), answer: format{media: mediaJSON}}
	c.fail(err)
}
