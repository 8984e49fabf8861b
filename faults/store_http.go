package faults

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/skiff-k8s/skiff/internal/apipath"
	"github.com/skiff-k8s/skiff/internal/storage"
	"github.com/skiff-k8s/skiff/kind"
)

// call is a request to a Store.
type call struct {
	store *Store
	w     http.ResponseWriter
	r     *http.Request
	at    apipath.Path
	in    storage.Collection
	kind  kind.Info
}

// failure is an error that is answered with a failed Status.
type failure struct {
	code    int
	options []StatusOption
}

func (f *failure) Error() string { s, _ := newStatus(f.code, f.options...); return s.Message }

func fail(code int, text string, options ...StatusOption) error {
	return &failure{code, append([]StatusOption{Message(text)}, options...)}
}

// ServeHTTP implements http.Handler.
func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{store: s, w: w, r: r}
	err := c.serve()
	var failed *failure
	var status *apierrors.StatusError
	switch {
	case errors.As(err, &failed):
		writeStatus(w, failed.code, failed.options...)
	case errors.As(err, &status):
		options := []StatusOption{func(s *metav1.Status, _ http.Header) {
			s.Reason, s.Message, s.Details = status.ErrStatus.Reason, status.ErrStatus.Message, status.ErrStatus.Details
			s.ListMeta = status.ErrStatus.ListMeta
		}}
		if d := status.ErrStatus.Details; d != nil && d.RetryAfterSeconds > 0 {
			options = append(options, RetryAfter(int(d.RetryAfterSeconds)))
		}
		writeStatus(w, int(status.ErrStatus.Code), options...)
	case err != nil:
		writeStatus(w, http.StatusInternalServerError, Message(err.Error()))
	}
}

func (c *call) serve() error {
	switch c.r.URL.Path {
	case "/readyz", "/livez", "/healthz":
		_, _ = io.WriteString(c.w, "ok")
		return nil
	}
	var ok bool
	if c.at, ok = apipath.Parse(c.r.URL.Path); ok {
		c.in = storage.Collection{Group: c.at.Group, Version: c.at.Version, Resource: c.at.Resource}
		c.store.mu.Lock()
		c.kind, ok = c.store.kinds[c.in]
		c.store.mu.Unlock()
	}
	if !ok {
		return fail(http.StatusNotFound, "the server could not find the requested resource")
	}
	if !c.kind.Namespaced && c.at.Namespace != "" || c.at.Subresource != "" && c.at.Subresource != "status" {
		return fail(http.StatusNotFound, "the server could not find the requested resource")
	}
	switch VerbOf(c.r) {
	case Get:
		return c.get()
	case List:
		return c.list()
	case Watch, WatchList:
		return c.watch()
	case Create:
		return c.create()
	case Update:
		return c.update()
	case Delete:
		return c.delete()
	case DeleteCollection:
		return c.deleteCollection()
	}
	return fail(http.StatusUnsupportedMediaType, "the store in memory does no patches",
		Reason(metav1.StatusReasonUnsupportedMediaType))
}

// write answers with an object.
func (c *call) write(code int, object []byte) {
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(code)
	_, _ = c.w.Write(object)
}

// resource returns the resource for messages: `pods`, `deployments.apps`.
func (c *call) resource() string {
	if c.kind.Group == "" {
		return c.kind.Resource
	}
	return c.kind.Resource + "." + c.kind.Group
}

// about is the part of a Status that names the object.
func (c *call) about(name string) StatusOption {
	return func(s *metav1.Status, _ http.Header) {
		d := details(s)
		d.Name, d.Group, d.Kind = name, c.kind.Group, c.kind.Resource
	}
}

// aboutKind names the kind in place of the resource, as some errors do.
func (c *call) aboutKind(s *metav1.Status, _ http.Header) { details(s).Kind = c.kind.Kind }

func (c *call) notFound(name string) error {
	return fail(http.StatusNotFound, fmt.Sprintf("%s %q not found", c.resource(), name), c.about(name))
}

func (c *call) conflict(name, why string, options ...StatusOption) error {
	return fail(http.StatusConflict, fmt.Sprintf("Operation cannot be fulfilled on %s %q: %s", c.resource(), name, why),
		append([]StatusOption{c.about(name)}, options...)...)
}

// named returns the object that the URL names.
func (c *call) named(tx storage.Tx) (*storage.Object, error) {
	if o := tx.Get(c.in, c.at.Namespace, c.at.Name); o != nil {
		return o, nil
	}
	return nil, c.notFound(c.at.Name)
}

func (c *call) get() error {
	return c.store.engine.Do(func(tx storage.Tx) error {
		o, err := c.named(tx)
		if err == nil {
			c.write(http.StatusOK, o.JSON)
		}
		return err
	})
}

// body returns the object that the request carries.
func (c *call) body() (storage.Document, error) {
	if t := c.r.Header.Get("Content-Type"); t != "" && !strings.HasPrefix(t, "application/json") {
		return nil, fail(http.StatusUnsupportedMediaType, "the body of the request was in an unknown format - accepted media types include: application/json")
	}
	data, err := io.ReadAll(c.r.Body)
	if err != nil {
		return nil, fail(http.StatusBadRequest, err.Error())
	}
	o, err := decode(data)
	if err != nil {
		return nil, fail(http.StatusBadRequest, err.Error())
	}
	if o.Str("kind") == "" { // the URL says it as well
		o["kind"] = c.kind.Kind
	}
	if o.Str("apiVersion") == "" {
		o["apiVersion"] = c.kind.APIVersion()
	}
	if o.Str("kind") != c.kind.Kind || o.Str("apiVersion") != c.kind.APIVersion() {
		return nil, fail(http.StatusBadRequest, fmt.Sprintf("%s %s in the request's body, want %s",
			o.Str("apiVersion"), o.Str("kind"), c.kind))
	}
	switch m := o.Meta(); {
	case m.Namespace == "" && c.at.Namespace != "":
		o.SetMeta("namespace", c.at.Namespace)
	case m.Namespace != c.at.Namespace:
		return nil, fail(http.StatusBadRequest, "the namespace of the provided object does not match the namespace sent on the request")
	}
	return o, nil
}

// selection returns what the request chooses by.
func (c *call) selection() (storage.Selection, error) {
	s := storage.Selection{Namespace: c.at.Namespace}
	q := c.r.URL.Query()
	byLabel, err := labels.Parse(q.Get("labelSelector"))
	if err != nil {
		return s, fail(http.StatusBadRequest, fmt.Sprintf("unable to parse labelSelector: %v", err))
	}
	byField, err := fields.ParseSelector(q.Get("fieldSelector"))
	if err != nil {
		return s, fail(http.StatusBadRequest, fmt.Sprintf("unable to parse fieldSelector: %v", err))
	}
	for _, r := range byField.Requirements() {
		if r.Field != "metadata.name" && r.Field != "metadata.namespace" {
			return s, fail(http.StatusBadRequest, fmt.Sprintf("field label not supported: %s", r.Field))
		}
	}
	if byLabel.Empty() && byField.Empty() && c.at.Name == "" {
		return s, nil
	}
	s.Has = func(o *storage.Object) bool {
		return (c.at.Name == "" || o.Meta.Name == c.at.Name) &&
			byLabel.Matches(labels.Set(o.Meta.Labels)) &&
			byField.Matches(fields.Set{
				"metadata.name": o.Meta.Name, "metadata.namespace": o.Meta.Namespace,
			})
	}
	return s, nil
}
